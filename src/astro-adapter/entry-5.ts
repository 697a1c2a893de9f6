// Part of every build with Astro 5. The build imports server.ts from the package nexthop
// (build-plugin.ts).

import settings from 'virtual:nexthop/astro';
import { App } from 'astro/app';
import { setGetEnv } from 'astro/env/setup';
import type { AstroManifest } from './open-build.ts';
import { createEntry, type EntryExports, readEnv } from './server.ts';

setGetEnv(readEnv);

/**
 * Astro calls this when the build is loaded, and exports the properties that the adapter lists in
 * `exports`.
 */
export function createExports(manifest: AstroManifest): EntryExports {
  return createEntry({
    url: import.meta.url,
    settings,
    createApp: () => ({
      app: new App(manifest, settings.streaming),
      manifest,
      setErrorPageFetch: (fetchPage) => {
        App.fetchErrorPage = fetchPage;
      },
    }),
  });
}
