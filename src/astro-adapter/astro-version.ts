import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The ways in which adapters and Astro speak with each other: that of Astro 5, and the one since Astro 6. */
export type AstroApi = 5 | 7;

/** Which way the Astro of a site speaks; `root` is the site's folder, as a file URL. Throws an Error for a version that is not supported. */
export function readAstroApi(root: URL): AstroApi {
  const path = createRequire(new URL('astro.config.mjs', root)).resolve('astro/package.json');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }; // npm requires it
  const major = Number.parseInt(version, 10);
  if (!(major >= OLDEST)) throw new Error(`nexthop/astro needs Astro ${OLDEST} or later, got ${version} in ${path}`);
  return major === OLDEST ? 5 : 7;
}

const OLDEST = 5;
