import type { ExecutionContext } from 'ava';
import { siteFolder } from './site-folder.ts';

export interface FakeBuild {
  /** Body of the handler: `(request, response, next, locals) => …`. */
  readonly handler?: string;
  readonly mode?: 'middleware' | 'standalone';
  /** Text of the entry, instead of one with `handler`. */
  readonly entry?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Creates a site with a hand-written build, for behaviour that a real build cannot show. It has no
 * manifest, so it gets every request. A header's name in its text marks it as a build of Astro.
 */
export async function fakeBuild(
  t: ExecutionContext,
  { handler = 'next()', mode = 'middleware', entry, files = {} }: FakeBuild,
): Promise<string> {
  const text =
    entry ??
    `export const handler = (request, response, next, locals) => { ${handler} };\nexport const options = { mode: '${mode}' };`;
  return siteFolder(t, {
    'dist/server/entry.mjs': `// X-Astro-Error\n${text}\n`,
    'dist/client/robots.txt': 'User-agent: *',
    ...files,
  });
}
