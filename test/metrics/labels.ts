import test from 'ava';
import { get, measure } from '../helpers/measured-edge.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const DURATION = 'http_server_request_duration_seconds_count';
const LIMITED = 'nexthop_rate_limited_total';

const LIMIT = 'window_limit = 1\n  window_size = 60\n  aggregate_by = "ip"';
const IN_CODE = 'rateLimit: { windowLimit: 1, windowSize: 60, aggregateBy: "ip" }';

test('a request above a limit has the route of that limit, in the metrics and in access.log', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'netlify/functions/paths.mjs': `export default () => new Response('f'); export const config = { path: ['/one/:id', '/two'], ${IN_CODE} };`,
      'netlify/functions/later.mjs': `export default () => new Response('f'); export const config = { path: '/none', preferStatic: true, ${IN_CODE} };`,
      'netlify/edge-functions/edge.js': `export default () => {}; export const config = { path: '/edge/*', ${IN_CODE} };`,
      'netlify.toml': `
[[redirects]]
  from = "/forced/*"
  to = "/two"
  force = true
  [redirects.rate_limit]
  ${LIMIT}
[[redirects]]
  from = "/kept/*"
  to = "/two"
  [redirects.rate_limit]
  ${LIMIT}`,
    }),
  });
  const routes = {
    '/one/7': '/one/:id',
    '/two': '/two',
    '/none': '/none',
    '/edge/a': '/edge/*',
    '/forced/a': '/forced/*',
    '/kept/a': '/kept/*',
  };
  for (const path of ['/one/0', ...Object.keys(routes), ...Object.keys(routes)]) {
    await fetch(`${edge.url}${path}`, { redirect: 'manual' });
  }

  const text = await edge.scrape();

  // All paths of a function have one count.
  for (const [path, route] of Object.entries(routes)) {
    const refused = path === '/one/7' || path === '/two' ? 2 : 1;
    t.is(metricValue(text, LIMITED, { http_route: route }), refused, route);
    t.is(metricValue(text, DURATION, { http_route: route, http_response_status_code: '429' }), refused, route);
  }
  t.is(metricValue(text, LIMITED), 8);
  const lines = await edge.accessLines(13);
  t.deepEqual(
    new Set(lines.filter(({ status }) => status === '429').map(({ route }) => route)),
    new Set(Object.values(routes)),
  );
});

test('a request above RATE_LIMIT has the route `site`', async (t) => {
  const edge = await measure(t, { env: { RATE_LIMIT: '2/60s' } });
  for (const path of ['/a', '/b', '/c']) await get(edge, path);

  const text = await edge.scrape();

  t.is(metricValue(text, LIMITED, { http_route: 'site' }), 1);
  t.is(metricValue(text, DURATION, { http_route: 'site', http_response_status_code: '429' }), 1);
});

test('each kind of response has its route, and is counted once', async (t) => {
  const PURGE_TOKEN = 'a token of 16 or more';
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'netlify/functions/kept.mjs':
        "export default () => new Response('k', { headers: { 'cache-control': 'max-age=600' } }); export const config = { path: '/kept' };",
      'middleware.js':
        "export const middleware = () => new Response('stop', { status: 403 }); export const config = { matcher: ['/closed'] };",
      'public/picture.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'public/contact.html': '<form name="contact" data-netlify="true"><input name="name"></form>',
      'netlify.toml': `[[redirects]]\n  from = "/old/*"\n  to = "/kept"\n[[redirects]]\n  from = "/new/*"\n  to = "/kept"\n  status = 200\n`,
      _headers: '/locked/*\n  Basic-Auth: a:b\n',
    }),
    env: { PURGE_TOKEN, READY_PATH: '/ready', SERVER_TIMING: '1' },
  });
  const { exchange } = edge;
  const send = (head: string, body = '') =>
    exchange(
      `${head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  const expected = [
    ['GET /old/a', '/old/*', 'redirect', '301'],
    ['GET /new/a', '/kept', 'function', '200'],
    ['GET /kept', '/kept', 'function', '200'],
    ['GET /kept', '/kept', 'cache', '200'],
    ['GET /.netlify/images?url=/picture.svg', '/.netlify/images', 'nexthop', '200'],
    ['GET /.netlify/images?url=/none.svg', '/.netlify/images', 'fault', '404'],
    ['POST /.well-known/nexthop/purge', 'nexthop', 'fault', '401'],
    ['GET /ready', 'nexthop', 'nexthop', '200'],
    ['OPTIONS *', 'nexthop', 'nexthop', '200'],
    ['GET /locked/a', 'Basic-Auth', 'fault', '401'],
    ['GET /closed', 'middleware', 'gate', '403'],
    ['HEAD /picture.svg', 'files', 'file', '200'],
    ['GET /other', 'hop', 'hop', '200'],
    ['NO REQUEST', 'fault', 'fault', '400'],
  ] as const;
  for (const [head] of expected) await send(head);
  // A store that is late on a loaded machine makes it 503.
  await untilResult(
    () => send('POST /', 'form-name=contact&name=a'),
    (answer) => answer.startsWith('HTTP/1.1 200 '),
  );

  const text = await edge.scrape();

  for (const [head, http_route, answered_by, status] of expected) {
    const labels = { http_route, answered_by, http_response_status_code: status };
    const alike = expected.filter(([, ...others]) => others.join() === [http_route, answered_by, status].join());
    t.is(metricValue(text, DURATION, labels), alike.length, head);
  }
  t.is(metricValue(text, DURATION, { http_route: 'POST of a form', answered_by: 'nexthop' }), 1);
  const count = metricValue(text, DURATION);
  const lines = await edge.accessLines(count);
  t.is(lines.filter(({ target }) => target !== 'metrics').length, count);
});
