/**
 * Types of what the entries import from the site's Astro and from the build that contains them;
 * only what they use.
 */

declare module 'astro/app' {
  export const App: {
    new (manifest: import('./open-build.ts').AstroManifest, streaming: boolean): import('./open-build.ts').AstroApp;
    /** Added by build-plugin.ts to Astro before 5.6. */
    fetchErrorPage?: (url: string) => Promise<Response>;
  };
}

declare module 'astro/app/entrypoint' {
  export function createApp(options: { readonly streaming: boolean }): import('./open-build.ts').AstroApp & {
    readonly manifest: import('./open-build.ts').AstroManifest;
  };
}

declare module 'astro/env/setup' {
  export function setGetEnv(read: (name: string) => string | undefined): void;
}

declare module 'virtual:nexthop/astro' {
  const settings: import('./build-settings.ts').BuildSettings;
  export default settings;
}
