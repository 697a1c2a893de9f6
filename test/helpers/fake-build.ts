import type { ExecutionContext } from 'ava';
import { siteFolder } from './site-folder.ts';

export interface FakeBuild {
  /** Body of the handler: `(request, response, next, locals) => …`. */
  readonly handler?: string;
  readonly mode?: 'middleware' | 'standalone';
  /** Module that is the entry, instead of one with that handler. */
  readonly entry?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * A site whose build does what no real one can be made to do. It has no manifest, so that it is asked about every request. The name of a field in it
 * is by what a build is known for Astro's.
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
