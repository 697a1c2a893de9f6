import test, { type ExecutionContext } from 'ava';
import { jsonLines } from '../helpers/json-lines.ts';
import { get, type Measured, measure } from '../helpers/measured-edge.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const RUNS = 'nexthop_function_runs_total';
const ERRORS = 'nexthop_function_errors_total';

const REDIRECTS = `
[[redirects]]
  from = "/to/*"
  to = "/.netlify/functions/dest"
  status = 200
[[redirects]]
  from = "/forced/*"
  to = "/.netlify/functions/dest"
  status = 200
  force = true
[[redirects]]
  from = "/cloud"
  to = "/cf"
  status = 200`;

const CACHED = `
  if (request.headers.has('if-none-match')) return new Response(null, { status: 304, headers });
  while (globalThis.mayAnswer === false) await new Promise((resolve) => setTimeout(resolve, 5));
  return new Response('c', { headers });`;

interface Counted {
  readonly edge: Measured;
  /** How often the code with this name ran, by its own count. */
  ran(name: string): Promise<number>;
}

/** A site whose functions write down each of their runs. */
async function serve(t: ExecutionContext): Promise<Counted> {
  const { file, read } = await jsonLines<string>(t);
  const note = `import { appendFileSync } from 'node:fs';\nconst note = (name) => appendFileSync(${JSON.stringify(file)}, JSON.stringify(name) + '\\n');`;
  const netlify = (name: string, config = '', body = `return new Response('${name}');`): string =>
    `${note}\nexport default async (request, context) => { note('${name}'); ${body} };\n${config && `export const config = { ${config} };`}`;
  const headers = `const headers = { etag: '"a"', 'netlify-cdn-cache-control': 'max-age=0, stale-while-revalidate=600' };`;
  const site = await siteFolder(t, {
    'netlify/functions/plain.mjs': netlify('plain', "path: '/plain'"),
    'netlify/functions/dest.mjs': netlify('dest'),
    'netlify/functions/empty.mjs': netlify('empty', "path: '/empty'", ''),
    'netlify/functions/fail.mjs': netlify('fail', "path: '/fail'", "throw new Error('no');"),
    'netlify/functions/cached.mjs': netlify('cached', "path: '/cached'", headers + CACHED),
    'netlify/functions/work-background.mjs': netlify('work-background'),
    'netlify/functions/submission-created.mjs': netlify('submission-created'),
    'netlify/edge-functions/edge.js': netlify('edge', "path: '/edge/*'", 'return context.next();'),
    'netlify/edge-functions/bypass.js': netlify(
      'bypass',
      "path: '/bypass', onError: 'bypass'",
      "throw new Error('no');",
    ),
    'cloud-functions/cf.js': `${note}\nexport const onRequestGet = () => { note('cf'); return new Response('cf'); };`,
    'middleware.js': `${note}\nexport const middleware = ({ next }) => { note('middleware'); return next(); };\nexport const config = { matcher: ['/cf', '/page.html'] };`,
    'public/page.html': 'page',
    'public/contact.html': '<form name="contact" data-netlify="true"><input name="name"></form>',
    'netlify.toml': REDIRECTS,
  });
  const edge = await measure(t, { site });
  return { edge, ran: async (name) => (await read()).filter((each) => each === name).length };
}

test('the runs of each function are those that it counted itself', async (t) => {
  const { edge, ran } = await serve(t);
  const own = `/.netlify/functions`;
  for (const path of ['/plain', '/empty', '/to/a', '/to/b', '/forced/a', '/cloud', '/cf', '/fail', '/page.html']) {
    await get(edge, path);
  }
  for (const path of ['/edge/a', '/bypass', '/bypass', '/hop', `${own}/dest`]) await get(edge, path);
  await get(edge, '/plain', 'HEAD');
  await get(edge, '/cf', 'POST');

  const text = await edge.scrape();

  const routes = {
    plain: '/plain',
    empty: '/empty',
    dest: `${own}/dest`,
    fail: '/fail',
    edge: '/edge/*',
    bypass: '/bypass',
    cf: '/cf',
  };
  const counts = Object.entries(routes).map(
    ([name, route]) => [name, metricValue(text, RUNS, { http_route: route })] as const,
  );
  t.deepEqual(Object.fromEntries(counts), { plain: 2, empty: 1, dest: 4, fail: 1, edge: 1, bypass: 2, cf: 2 });
  for (const [name, count] of counts) t.is(await ran(name), count, name);
  // Of the middleware, whose route has the text of its matcher.
  t.is(metricValue(text, RUNS), 13 + (await ran('middleware')));
  t.is(await ran('middleware'), 3);
  t.is(metricValue(text, ERRORS, { http_route: '/fail' }), 1);
  t.is(metricValue(text, ERRORS, { http_route: '/bypass' }), 2);
  t.is(metricValue(text, ERRORS), 3);
});

test('requests that the cache joins have one run, and a renewal in the background has one', async (t) => {
  const { edge, ran } = await serve(t);
  Reflect.set(globalThis, 'mayAnswer', false);
  const joined = Promise.all(['/cached', '/cached', '/cached'].map((path) => get(edge, path)));
  const active = async () =>
    metricValue(await edge.scrape(), 'http_server_active_requests', { http_request_method: 'GET' });
  // With the request of the scrape.
  await untilResult(active, (count) => count === 4);
  Reflect.set(globalThis, 'mayAnswer', true);
  t.deepEqual(await joined, ['c', 'c', 'c']);
  const runs = async () => metricValue(await edge.scrape(), RUNS, { http_route: '/cached' });
  t.is(await runs(), await ran('cached'));
  const before = await ran('cached');

  await get(edge, '/cached');

  t.is(await untilResult(runs, (count) => count > before), before + 1);
  t.is(await ran('cached'), before + 1);
});

test('a background function and a form have no run for their request, and one for their job', async (t) => {
  const { edge, ran } = await serve(t);
  const post = (path: string, body?: URLSearchParams) =>
    untilResult(
      () => fetch(`${edge.url}${path}`, { method: 'POST', redirect: 'manual', ...(body && { body }) }),
      // On a loaded machine the store may take longer than a request waits for it.
      ({ status }) => status !== 503,
    );
  t.is((await post('/.netlify/functions/work-background')).status, 202);
  t.is((await post('/', new URLSearchParams({ 'form-name': 'contact', name: 'a' }))).status, 200);

  for (const name of ['work-background', 'submission-created']) {
    const labels = { rule: `netlify/${name}`, outcome: 'done' };
    const done = async () => metricValue(await edge.scrape(), 'nexthop_job_runs_total', labels);
    t.is(await untilResult(done, (count) => count > 0), await ran(name), name);
  }
  t.is(metricValue(await edge.scrape(), RUNS), 0);
});
