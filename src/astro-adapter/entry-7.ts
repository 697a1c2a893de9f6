// The entry of every build with Astro 6 and later. The build imports server.ts from the package
// nexthop (build-plugin.ts).

import settings from 'virtual:nexthop/astro';
import { createApp } from 'astro/app/entrypoint';
import { setGetEnv } from 'astro/env/setup';
import { createEntry, readEnv } from './server.ts';

setGetEnv(readEnv);

export const { handler, nexthop, options, startServer } = createEntry({
  url: import.meta.url,
  settings,
  createApp: () => {
    const app = createApp({ streaming: settings.streaming });
    return { app, manifest: app.manifest };
  },
});
