import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import test from 'ava';
import { get, measure, METRICS_PATH as PATH } from '../helpers/measured-edge.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const DURATION = 'http_server_request_duration_seconds';

const SITE = {
  'cloud-functions/users/[id].js': 'export const onRequest = () => new Response("user")',
  'cloud-functions/fail.js': 'export const onRequest = () => { throw new Error("no") }',
  'cloud-functions/slow.js': 'export const onRequest = () => new Promise(() => {})',
  'public/index.html': 'home',
};

test('requests are counted by pattern, kind of answer, method and status, and never by path', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  for (const path of ['/users/1', '/users/2?secret=x', '/fail', '/', '/none', '/other']) await get(edge, path);
  await get(edge, '/users/3', 'POST');

  const text = await edge.scrape();

  const count = (labels: Record<string, string>) => metricValue(text, `${DURATION}_count`, labels);
  t.is(count({ http_route: '/users/:id', http_request_method: 'GET', answered_by: 'function' }), 2);
  t.is(count({ http_route: '/users/:id', http_request_method: 'POST' }), 1);
  t.is(count({ http_route: '/fail', http_response_status_code: '500', answered_by: 'fault' }), 1);
  t.is(count({ http_route: 'files', http_response_status_code: '200', answered_by: 'file' }), 1);
  t.is(count({ http_route: 'hop', http_response_status_code: '404', answered_by: 'hop' }), 1);
  t.is(count({ http_route: 'hop', http_response_status_code: '200' }), 1);
  t.is(metricValue(text, 'nexthop_function_runs_total', { http_route: '/users/:id' }), 3);
  t.is(metricValue(text, 'nexthop_function_errors_total', { http_route: '/fail' }), 1);
  t.is(metricValue(text, 'nexthop_faults_total', { code: 'function_error', origin: 'function' }), 1);
  t.is(metricValue(text, 'http_client_request_duration_seconds_count', { http_response_status_code: '4xx' }), 1);
  t.notRegex(text, /secret|users\/[12]|127\.0\.0\.1/);
});

test('the metrics count each line of access.log once, with its status and its bytes', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE), env: { FUNCTION_TIMEOUT: '50ms' } });
  const left = await edge.connect();
  left.write('POST /uploaded HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
  left.socket.destroy();
  await edge.exchange('GARBAGE\r\n\r\n');
  for (const path of ['/slow', '/users/1', '/', '/fail', '/x', PATH]) await get(edge, path);
  const before = await edge.accessLines(8);

  const text = await edge.scrape();

  t.is(metricValue(text, `${DURATION}_count`), before.length);
  for (const status of new Set(before.map((line) => line.status))) {
    const lines = before.filter((line) => line.status === status);
    t.is(metricValue(text, `${DURATION}_count`, { http_response_status_code: String(status) }), lines.length, status);
  }
  const sum = (key: string) => before.reduce((total, line) => total + Number(line[key]), 0);
  t.is(metricValue(text, 'nexthop_response_bytes_total'), sum('bytes'));
  t.true(Math.abs(metricValue(text, `${DURATION}_sum`) - sum('time_taken_s')) < 0.1);
  t.is(metricValue(text, 'nexthop_function_timeouts_total', { http_route: '/slow' }), 1);
});

test('a hop that refuses is counted by the code of the fault', async (t) => {
  const edge = await measure(t, { env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}` } });
  await get(edge, '/x');

  const text = await edge.scrape();

  t.is(metricValue(text, 'http_client_request_duration_seconds_count', { error_type: 'hop_unreachable' }), 1);
  t.is(metricValue(text, 'nexthop_hop_retries_total'), 1);
  t.is(metricValue(text, `${DURATION}_count`, { http_route: 'hop', http_response_status_code: '502' }), 1);
});

test('a request in flight is in the gauges', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  const peer = await edge.connect();
  peer.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');

  const text = await untilResult(
    () => edge.scrape(),
    (scraped) => metricValue(scraped, 'http_server_active_requests', { http_request_method: 'GET' }) === 2,
  );

  t.true(metricValue(text, 'nexthop_connections') >= 2);
  t.is(metricValue(text, 'nexthop_hop_queue'), 0);
});

test('for peers that METRICS_ALLOW does not name, the page is a miss, byte for byte', async (t) => {
  const edge = await measure(t, { env: { METRICS_ALLOW: '192.0.2.1' } });
  const ask = async (path: string): Promise<string> =>
    (await edge.exchange(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: same\r\nConnection: close\r\n\r\n`)).replace(
      /Date: .*/,
      '',
    );

  t.is(await ask(PATH), await ask('/.well-known/nexthop/unknown'));
});

test('a request that a trusted proxy forwards for a client elsewhere gets no metrics, and no header opens them', async (t) => {
  const edge = await measure(t);
  t.is(await edge.scrape({ 'x-forwarded-for': '203.0.113.7' }), 'hop');
  t.is(await edge.scrape({ 'true-client-ip': '203.0.113.7' }), 'hop');

  const closed = await measure(t, { env: { METRICS_ALLOW: '10.1.2.3' } });
  t.is(await closed.scrape({ 'x-forwarded-for': '10.1.2.3', 'true-client-ip': '10.1.2.3' }), 'hop');
});

test('without METRICS_PATH the path is like any other, and nothing is measured', async (t) => {
  const edge = await measure(t, { env: { METRICS_PATH: '' } });

  t.is(await edge.scrape(), 'hop');
  t.is(edge.edge.metrics, undefined);
});

test('HEAD has the head of GET, and another method is forwarded', async (t) => {
  const edge = await measure(t);

  const head = await fetch(`${edge.url}${PATH}`, { method: 'HEAD' });

  t.is(head.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.is(head.headers.get('cache-control'), 'no-store');
  t.is(await get(edge, PATH, 'POST'), 'hop');
});

test('Accept selects OpenMetrics, which has the same values', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  await get(edge, '/fail');

  const response = await fetch(`${edge.url}${PATH}`, { headers: { accept: 'application/openmetrics-text;q=1' } });
  const text = await response.text();

  t.is(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  t.regex(text, /^# TYPE nexthop_faults counter\nnexthop_faults_total\{code="function_error",origin="function"\} 1$/m);
  t.regex(text, /\n# EOF\n$/);
});

test('the time to the head is measured apart from the time to the end', async (t) => {
  const edge = await measure(t, {
    site: await siteFolder(t, {
      'cloud-functions/slow.js': `export const onRequest = () => new Response(new ReadableStream({
        async pull(stream) {
          await new Promise((resolve) => setTimeout(resolve, 200));
          stream.enqueue(new TextEncoder().encode('late'));
          stream.close();
        },
      }))`,
      'cloud-functions/node/[[default]].js': `export default {
        ready: async () => {},
        routing: (request, response) => response.end('node'),
      };`,
    }),
  });
  t.is(await get(edge, '/slow'), 'late');
  t.is(await get(edge, '/node'), 'node');

  const text = await edge.scrape();

  const HEAD = 'nexthop_time_to_head_seconds';
  t.is(metricValue(text, `${HEAD}_count`, { answered_by: 'function' }), 2);
  t.true(metricValue(text, `${DURATION}_sum`) - metricValue(text, `${HEAD}_sum`) > 0.19);
  t.true(metricValue(text, `${HEAD}_sum`) > 0);
  t.is(text.match(/^nexthop_time_to_head_seconds_bucket\{answered_by="function",/gm)?.length, 9);
});

test('a client that leaves before the head has no time to the head', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  const peer = await edge.connect();
  peer.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await untilResult(
    () => edge.scrape(),
    (scraped) => metricValue(scraped, 'http_server_active_requests', { http_request_method: 'GET' }) === 2,
  );
  peer.socket.resetAndDestroy();

  const text = await untilResult(
    () => edge.scrape(),
    (scraped) => metricValue(scraped, `${DURATION}_count`, { http_response_status_code: '499' }) === 1,
  );

  t.is(metricValue(text, 'nexthop_time_to_head_seconds_count', { answered_by: 'function' }), 0);
});

test('requests have their bytes with the head, as they were sent', async (t) => {
  const edge = await measure(t);
  const sent = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n12345';
  await edge.exchange(sent);

  t.is(metricValue(await edge.scrape(), 'nexthop_request_bytes_total', { answered_by: 'hop' }), sent.length);
});

test('METRICS_HOSTS=1 counts requests by hostname, and otherwise no hostname is counted', async (t) => {
  const HOSTS = 'section_http_request_count_by_hostname_total';
  const edge = await measure(t, { env: { METRICS_HOSTS: '1' } });
  for (const host of ['Example.COM:80', 'example.com', 'a_b']) {
    await edge.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  }

  const text = await edge.scrape();

  t.is(metricValue(text, HOSTS, { hostname: 'example.com' }), 2);
  t.regex(text, /^section_http_request_count_by_hostname_total\{hostname=""\} 1$/m);
  t.notRegex(await (await measure(t)).scrape(), /hostname/);
});

test('a reload is counted, and keeps all counters', async (t) => {
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  await get(edge, '/users/1');

  await edge.edge.reload();

  const text = await edge.scrape();
  t.is(metricValue(text, 'nexthop_function_runs_total', { http_route: '/users/:id' }), 1);
  t.is(metricValue(text, 'nexthop_reloads_total', { outcome: 'exchanged' }), 1);
});

test('promtool finds nothing to complain about', async (t) => {
  const found = await promisify(execFile)('promtool', ['--version']).catch(() => undefined);
  if (!found && process.env.CI === undefined) {
    t.log('skipped: promtool is not installed (Debian package prometheus)');
    t.pass();
    return;
  }
  const edge = await measure(t, { site: await siteFolder(t, SITE) });
  for (const path of ['/users/1', '/fail', '/', '/x']) await get(edge, path);
  const text = await edge.scrape();

  const promtool = execFile('promtool', ['check', 'metrics']);
  let output = '';
  promtool.stdout?.on('data', (chunk) => (output += chunk));
  promtool.stderr?.on('data', (chunk) => (output += chunk));
  promtool.stdin?.end(text);
  const [code] = await once(promtool, 'close');

  t.is(output, '');
  t.is(code, 0);
});
