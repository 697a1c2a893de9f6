import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import test from 'ava';
import { Random } from '../helpers/differential/random.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { measure } from '../helpers/measured-edge.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { findOpenMetricsMistakes } from '../helpers/open-metrics.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const DURATION = 'http_server_request_duration_seconds';
const CONNECTIONS = 16;
const ON_EACH = 622;

const SITE = {
  'cloud-functions/users/[id].js': 'export const onRequest = () => new Response("user")',
  'cloud-functions/fail.js': 'export const onRequest = () => { throw new Error("no") }',
  'public/index.html': 'home',
};

/** Requests of a client that sends anything, one after the other on one connection. */
function requests(chance: Random): string {
  const one = (at: number): string => {
    const method = chance.oneIn(4) ? `M${chance.below(1000)}` : 'GET';
    const path = ['/users/', '/fail?', '/?', '/x/'][chance.below(4)];
    const last = at === ON_EACH - 1 ? 'Connection: close\r\n' : '';
    return `${method} ${path}${chance.below(100_000)} HTTP/1.1\r\nHost: h${chance.below(1000)}.example\r\n${last}\r\n`;
  };
  return Array.from({ length: ON_EACH }, (_, at) => one(at)).join('');
}

test('after 10,000 requests of all kinds, the metrics have each line of access.log, its status and its time', async (t) => {
  const origin = createServer((request, response) => response.writeHead(200 + ((request.url?.length ?? 0) % 3)).end());
  origin.on('upgrade', ({ headers }, socket) => {
    const accept = createHash('sha1')
      .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  const edge = await measure(t, {
    site: await siteFolder(t, SITE),
    env: { NEXT_HOP: `http://127.0.0.1:${await listenOnPort(t, origin)}`, HEADERS_TIMEOUT: '1s', METRICS_HOSTS: '1' },
  });
  const chance = new Random(11);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => edge.exchange(requests(chance))));
  const handshake =
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  for (let count = 0; count < 16; count++) {
    const left = await edge.connect();
    left.write('POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
    left.socket.destroy();
    await edge.exchange(`GET /ws HTTP/1.1\r\nHost: a\r\n${handshake}\r\n\r\n`);
    await edge.exchange('GARBAGE\r\n\r\n');
  }
  t.regex(await edge.exchange('GET /late HTTP/1.1\r\nHost'), /^HTTP\/1\.1 408 /);
  const lines = await edge.accessLines(CONNECTIONS * ON_EACH + 16 * 3 + 1);

  const text = await edge.scrape({ accept: 'application/openmetrics-text' });

  t.is(metricValue(text, `${DURATION}_count`), lines.length);
  const statuses = new Set(lines.map(({ status }) => String(status)));
  for (const status of ['101', '200', '400', '408', '499', '500']) t.true(statuses.has(status), status);
  for (const status of statuses) {
    const count = lines.filter((line) => line.status === status).length;
    t.is(metricValue(text, `${DURATION}_count`, { http_response_status_code: status }), count, status);
  }
  const tookS = lines.reduce((sum, { time_taken_s }) => sum + Number(time_taken_s), 0);
  t.true(Math.abs(metricValue(text, `${DURATION}_sum`) - tookS) < 0.001);
  // By method, status and kind of answer, whatever was sent.
  t.true((text.match(/^http_server_request_duration_seconds_count/gm)?.length ?? 0) <= 30);
  t.true((text.match(/by_hostname_total\{/g)?.length ?? 0) <= 1001);
  t.deepEqual(findOpenMetricsMistakes(text), []);
});
