import test from 'ava';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Prints each module that is loaded. */
const PRINT_LOADED = `import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { writeSync(2, 'loaded ' + url + '\\n'); return next(url, context); } });`;

const UNUSED = [
  'dialects/netlify/read-netlify',
  'dialects/astro/hosted/host-build',
  'dialects/edgeone/config/located-json',
  'metrics/edge-metrics',
  'node_modules/smol-toml',
  'node_modules/jsonc-parser',
  'node_modules/ioredis',
  'node_modules/undici',
  'node_modules/htmlparser2',
];

test('a site with one function loads no code of other platforms, of metrics and of parsers that it does not need', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': 'export const onRequest = () => new Response();',
    'public/b.txt': 'b',
  });

  const running = await startNexthop(t, {
    site,
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(PRINT_LOADED)}` },
  });

  const loaded = running.output();
  t.true(loaded.includes('dialects/netlify/netlify'));
  t.deepEqual(
    UNUSED.filter((part) => loaded.includes(part)),
    [],
  );
});
