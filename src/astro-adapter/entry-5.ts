// Becomes part of a build of Astro 5. Of its imports, server.ts stays outside of the build (see build-plugin.ts).

import settings from 'virtual:nexthop/astro';
import { App } from 'astro/app';
import { setGetEnv } from 'astro/env/setup';
import type { AstroManifest } from './open-build.ts';
import { createEntry, type EntryExports, readEnv } from './server.ts';

setGetEnv(readEnv);

/** What the build exports: Astro calls it when the build is loaded, and takes the properties named in the adapter's `exports`. */
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
