/** What the entries import of the Astro of a site, and of the build they become part of: no more than they use. */

declare module 'astro/app' {
  export const App: new (
    manifest: import('./entry-5.ts').Manifest,
    streaming: boolean,
  ) => import('./open-build.ts').AstroApp;
}

declare module 'astro/app/entrypoint' {
  export function createApp(options: { readonly streaming: boolean }): import('./open-build.ts').AstroApp;
}

declare module 'astro/env/setup' {
  export function setGetEnv(read: (name: string) => string | undefined): void;
}

declare module 'virtual:nexthop/astro' {
  const settings: import('./build-settings.ts').BuildSettings;
  export default settings;
}
