import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AstroSetup } from './astro-site.ts';

const MODES = ['middleware', 'standalone'] as const;
const MAJORS = [5, 7] as const;

/** Every major in every mode. */
export const BUILDS: readonly AstroSetup[] = MAJORS.flatMap((major) =>
  MODES.map((mode) => ({ major, options: { mode } })),
);

/**
 * The fixture below a base, with a slash at the end of each path, in two languages, and with
 * headers for its prerendered pages.
 */
export function shopBuild(major: AstroSetup['major']): AstroSetup {
  return {
    major,
    options: { mode: 'middleware', [major === 5 ? 'experimentalStaticHeaders' : 'staticHeaders']: true },
    config: {
      base: '/shop',
      trailingSlash: 'always',
      i18n: {
        locales: ['en', 'de'],
        defaultLocale: 'en',
        fallback: { de: 'en' },
        routing: { fallbackType: 'rewrite' },
      },
    },
    csp: true,
  };
}

/**
 * The fixture below a base, without any slash at the end, each page in a file beside the others, and
 * with headers for its prerendered pages.
 */
export function fileBuild(major: AstroSetup['major']): AstroSetup {
  return {
    major,
    options: { mode: 'standalone', [major === 5 ? 'experimentalStaticHeaders' : 'staticHeaders']: true },
    config: { base: '/shop', trailingSlash: 'never', build: { format: 'file' } },
    csp: true,
  };
}

/** The fixture with other names of its folders and its entry, `dist/code/start.mjs`, and with sessions in the store of nexthop. */
export function renamedBuild(major: 5 | 7): AstroSetup {
  const driver = 'nexthop/session';
  const options = { base: 'shop' };
  // The driver is part of the build: builds are cached, and another driver needs another build.
  const code = hash('sha256', readFileSync(join(import.meta.dirname, '../../dist/public/session.js')));
  return {
    major,
    config: {
      build: { client: './web', server: './code', serverEntry: 'start.mjs', assets: '_hashed' },
      session: major === 5 ? { driver, options } : { driver: { entrypoint: driver, config: options } },
      vite: { define: { DRIVER: JSON.stringify(code) } },
    },
  };
}

/** Without a prerendered 404 page: with one, Astro runs no middleware for a path without a route. */
export const NO_404 = { 'src/pages/404.astro': null };

/**
 * A build with nexthop's adapter that sets all these options and settings at once, because each build takes seconds. Each test looks at one of them, and none of
 * them changes what the others show.
 */
export function ownBuildWithOptions(major: 5 | 7): AstroSetup {
  return {
    major,
    adapter: 'nexthop/astro',
    options: {
      mode: 'standalone',
      bodySizeLimit: 2_000_000,
      experimentalDisableStreaming: true,
      experimentalErrorPageHost: 'http://127.0.0.1:9',
    },
    config: {
      trailingSlash: 'never',
      server: { host: '127.0.0.3', port: 0 },
      session: { driver: major === 5 ? 'memory' : { entrypoint: 'unstorage/drivers/memory' } },
    },
  };
}

/** The same below a base, with a Content Security Policy in headers, also of prerendered pages. */
export function ownBuildWithPolicy(major: 5 | 7): AstroSetup {
  const options = { mode: 'standalone', staticHeaders: true };
  return { major, adapter: 'nexthop/astro', options, csp: true, config: { base: '/shop' } };
}

/**
 * The same with options that switch something off: packages and compressed files in the build, and sessions, which Astro 5 cannot. Its policy is an element of the
 * pages.
 */
export function ownBuildWithoutExtras(major: 5 | 7): AstroSetup {
  const options = { mode: 'standalone', bundle: false, precompress: false };
  return { major, adapter: 'nexthop/astro', options, csp: true, config: major === 7 ? { session: false } : {} };
}

/** The same below a base, with a slash at the end of each path, and without a 404 page. */
export function ownBuildWithSlashes(major: 5 | 7): AstroSetup {
  return {
    major,
    adapter: 'nexthop/astro',
    options: { mode: 'standalone' },
    files: NO_404,
    config: { base: '/shop', trailingSlash: 'always' },
  };
}

/** Every major with nexthop's adapter. */
export const OWN_BUILDS: readonly AstroSetup[] = MAJORS.map((major) => ({
  major,
  adapter: 'nexthop/astro',
  options: { mode: 'standalone' },
}));

/** For titles of tests. */
export function nameOf({ major, adapter, options }: AstroSetup): string {
  return `a ${String(options?.mode ?? 'middleware')} build of Astro ${major}${adapter ? ` with ${adapter}` : ''}`;
}
