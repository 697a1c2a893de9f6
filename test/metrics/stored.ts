import test from 'ava';
import { get, measure } from '../helpers/measured-edge.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const DURATION = 'http_server_request_duration_seconds';

test('what the cache answers is counted as its answer', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'cloud-functions/kept.js':
        "export const onRequest = () => new Response('kept', { headers: { 'CDN-Cache-Control': 'max-age=60' } })",
      'cloud-functions/not.js':
        "export const onRequest = () => new Response('not', { headers: { 'CDN-Cache-Control': 'no-store' } })",
    }),
  });
  for (const path of ['/kept', '/kept', '/kept', '/kept', '/not']) await get(edge, path);

  const text = await edge.scrape();

  const requests = (result: string) => metricValue(text, 'nexthop_cache_requests_total', { result });
  t.deepEqual([requests('miss'), requests('hit'), requests('pass')], [1, 2, 2]);
  t.is(metricValue(text, `${DURATION}_count`, { http_route: '/kept', answered_by: 'cache' }), 2);
  t.is(metricValue(text, `${DURATION}_count`, { http_route: '/kept', answered_by: 'function' }), 2);
  t.true(metricValue(text, 'nexthop_cache_bytes', { tier: 'memory' }) > 0);
});

test('a store that cannot be used is counted by its kind', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, { 'netlify/functions/work-background.mjs': 'export default async () => {};' }),
    env: { DATA_DIR: '/dev/null/data' },
  });
  t.is((await fetch(`${edge.url}/.netlify/functions/work-background`, { method: 'POST' })).status, 503);

  t.true(metricValue(await edge.scrape(), 'nexthop_store_failures_total', { store: 'sqlite' }) >= 1);
});

test('cached responses that make room are counted', async (t) => {
  const body = '`x`.repeat(30_000)';
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'cloud-functions/big/[n].js': `export const onRequest = () => new Response(${body}, { headers: { 'CDN-Cache-Control': 'max-age=60' } })`,
    }),
    env: { CACHE_MEMORY: '100k', CACHE_OBJECT_LIMIT: '50k' },
  });
  for (let n = 0; n < 8; n++) await get(edge, `/big/${n}`);

  const text = await edge.scrape();

  t.true(metricValue(text, 'nexthop_cache_evictions_total') >= 3);
  t.true(metricValue(text, 'nexthop_cache_bytes', { tier: 'memory' }) <= 100 * 1024);
});

test('the bytes of durable responses are those of the file that all processes share', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'netlify/functions/f.mjs':
        "export default () => new Response('x'.repeat(100_000), { headers: { 'Netlify-CDN-Cache-Control': 'durable, max-age=600' } });\nexport const config = { path: '/f' };",
    }),
    env: { CACHE_DISK: '10m' },
  });
  const bytes = async () => metricValue(await edge.scrape(), 'nexthop_cache_bytes', { tier: 'durable' });
  await get(edge, '/f');

  // The store is asked once in ten seconds.
  t.true((await untilResult(bytes, (count) => count > 100_000)) < 1_000_000);
});

test('background jobs are counted in the store and by their outcome', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, { 'netlify/functions/work-background.mjs': 'export default async () => {};' }),
  });
  // On a loaded machine the store may take longer than a request waits for it.
  await untilResult(
    () => fetch(`${edge.url}/.netlify/functions/work-background`, { method: 'POST' }),
    ({ status }) => status === 202,
  );

  const text = await untilResult(
    () => edge.scrape(),
    (scraped) => metricValue(scraped, 'nexthop_job_runs_total', { outcome: 'done' }) === 1,
  );

  t.is(metricValue(text, 'nexthop_job_runs_total'), 1);
  t.regex(text, /^nexthop_jobs\{state="dead"\} 0$/m);
});
