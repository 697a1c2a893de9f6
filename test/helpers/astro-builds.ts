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

/** For titles of tests. */
export function nameOf({ major, options }: AstroSetup): string {
  return `a ${String(options?.mode ?? 'middleware')} build of Astro ${major}`;
}
