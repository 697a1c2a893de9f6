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
 * The fixture below a base, without any slash at the end, and each page in a file beside the
 * others.
 */
export function fileBuild(major: AstroSetup['major']): AstroSetup {
  return {
    major,
    options: { mode: 'standalone' },
    config: { base: '/shop', trailingSlash: 'never', build: { format: 'file' } },
  };
}

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

/** For titles of tests. */
export function nameOf({ major, options }: AstroSetup): string {
  return `a ${String(options?.mode ?? 'middleware')} build of Astro ${major}`;
}
