import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { AccessLine } from '../../src/log/access-line.ts';
import { type ServedExchange, withExchange } from '../helpers/exchange.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

function parse(exchange: Exchange, shortAddresses = false): Record<string, string> {
  return JSON.parse(new AccessLine({ shortAddresses }).of(exchange));
}

/** A finished exchange whose request has these headers. */
async function answered(t: ExecutionContext, headers: string, target = '/x'): Promise<ServedExchange> {
  const served = await withExchange(t, `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
  writeText(served.exchange, 200, 'ok');
  await until(() => served.exchange.response.isClosed, 'the end');
  return served;
}

test("a line has the platform's keys, in a fixed order, with strings as values", async (t) => {
  const { exchange } = await answered(t, '');
  const line = parse(exchange);

  t.deepEqual(Object.keys(line), [
    'time',
    'time_taken_s',
    'request',
    'status',
    'bytes',
    'response_body_bytes',
    'content_type',
    'hostname',
    'referrer',
    'useragent',
    'http_x_forwarded_proto',
    'remote_addr',
    'upstream_status',
    'upstream_addr',
    'section_io_id',
    'section_io_tag',
    'request_id',
    'route',
    'target',
    'fault',
    'fault_origin',
    'trace_id',
  ]);
  t.true(Object.values(line).every((value) => typeof value === 'string'));
});

test('a forwarded request has a line with its request and its response', async (t) => {
  const { exchange } = await withExchange(
    t,
    'POST /a%2Fb?q=%22 HTTP/1.1\r\nHost: WWW.Example.com:8443\r\nReferer: http://r/?s=1\r\nUser-Agent: curl/8\r\n' +
      'X-Forwarded-Proto: https\r\nTrue-Client-IP: 203.0.113.77\r\nsection-io-id: c0ffee\r\nContent-Length: 0\r\n\r\n',
  );
  exchange.contentType = 'text/html';
  exchange.sectionTag = 'tag-1';
  exchange.upstreamStatus = '201';
  exchange.upstreamAddress = '10.0.0.7:80';
  exchange.answeredBy = 'next hop';
  writeText(exchange, 201, 'hello', ['Content-Type', 'text/html']);
  await until(() => exchange.response.isClosed, 'the end');

  t.like(parse(exchange), {
    request: 'POST /a%2Fb?q=%22 HTTP/1.1',
    status: '201',
    response_body_bytes: '5',
    content_type: 'text/html',
    hostname: 'www.example.com',
    referrer: 'http://r/?s=1',
    useragent: 'curl/8',
    http_x_forwarded_proto: 'https',
    remote_addr: '203.0.113.77',
    upstream_status: '201',
    upstream_addr: '10.0.0.7:80',
    section_io_id: 'c0ffee',
    section_io_tag: 'tag-1',
    request_id: 'c0ffee',
    route: '',
    target: 'next hop',
    fault: '',
  });
});

test("the line of a function's response has its route, and headers that were set one by one", async (t) => {
  const { exchange } = await withExchange(t, 'GET /api/7 HTTP/1.1\r\nHost: a\r\n\r\n');
  exchange.route = '/api/[id]';
  exchange.answeredBy = 'cloud-functions/api/[id].js';
  const { response } = exchange.node;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('section-io-tag', 'mine');
  response.end('{}');
  await until(() => exchange.response.isClosed, 'the end');

  t.like(parse(exchange), {
    route: '/api/[id]',
    target: 'cloud-functions/api/[id].js',
    content_type: 'application/json',
    section_io_tag: 'mine',
    section_io_id: '',
    request_id: exchange.requestId.value,
  });
});

test("the byte counts are those of this request's head and body on the connection", async (t) => {
  const { exchange, peer } = await answered(t, '');
  const text = await peer.readUntil('\r\n\r\nok');

  t.is(parse(exchange).bytes, String(text.length));
});

test('the time is the end of the response in UTC, the duration is in seconds with microseconds', async (t) => {
  const { exchange } = await answered(t, '');
  const before = Date.now();
  const taken = performance.now() - exchange.startedAtMs;
  const line = parse(exchange);
  const atMost = performance.now() - exchange.startedAtMs;

  t.regex(line.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.true(Date.parse(line.time ?? '') >= before && Date.parse(line.time ?? '') <= Date.now());
  t.regex(line.time_taken_s ?? '', /^\d+\.\d{6}$/);
  const tookMs = Number(line.time_taken_s) * 1000;
  t.true(tookMs >= taken - 1 && tookMs <= atMost + 1, `${taken}, ${tookMs}, ${atMost}`);
});

test('durations above one second have all digits', async (t) => {
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n', performance.now() - 3_600_045);

  t.regex(parse(exchange).time_taken_s ?? '', /^36\d\d\.\d{6}$/);
});

test('a client that left before the head is logged as 499, although its socket is closed', async (t) => {
  const { exchange, peer } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  peer.reset();
  await until(() => exchange.response.isClosed, 'the end');
  exchange.fault = new Fault('client_left');

  t.like(parse(exchange), { status: '499', bytes: '0', fault: 'client_left', fault_origin: 'client' });
});

test('a client that left after the head is logged with the status that was sent', async (t) => {
  const { exchange, peer } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  exchange.writeHead(203, '', ['Content-Length', '10']);
  exchange.response.write('half');
  await peer.readUntil('half');
  peer.reset();
  await until(() => exchange.response.isClosed, 'the end');
  exchange.fault = new Fault('client_left');

  t.like(parse(exchange), { status: '203', fault: 'client_left' });
});

test('a fault that was written directly to the socket is logged with its status', async (t) => {
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  exchange.fault = new Fault('body_too_large');

  t.like(parse(exchange), { status: '413', fault: 'body_too_large', fault_origin: 'client' });
});

test('a tunnel has the 101 of its connection', async (t) => {
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  exchange.response.takeOver().socket.destroy();
  exchange.fault = new Fault('client_left');

  t.is(parse(exchange).status, '101');
});

test('a line is one line of printable ASCII that has all bytes that the client sent', async (t) => {
  const bytes = `"\\\t${Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index)).join('')}'<>&`;
  const { exchange } = await answered(t, `User-Agent: x${bytes}x\r\nReferer: ${bytes.slice(3)}\r\n`);
  const line = new AccessLine({ shortAddresses: false }).of(exchange);

  t.regex(line, /^[ -~]+\n$/);
  t.is(JSON.parse(line).useragent, `x${bytes}x`);
  t.is(JSON.parse(line).referrer, bytes.slice(3));
});

test('line feeds, escapes and single surrogates in names of the site cannot break a line', async (t) => {
  const { exchange } = await answered(t, '');
  exchange.answeredBy = 'a\r\n{"status":"200"}\u001b[2J\u0000\u007f\u2028';
  exchange.route = '/\ud83d\ude00/\ud83d/\udc00';
  const line = new AccessLine({ shortAddresses: false }).of(exchange);

  t.regex(line, /^[ -~]+\n$/);
  t.is(JSON.parse(line).target, exchange.answeredBy);
  t.is(JSON.parse(line).route, exchange.route);
});

test('a value above the maximum length is cut', async (t) => {
  const { exchange } = await answered(t, `User-Agent: ${'u'.repeat(9000)}\r\n`, `/${'p'.repeat(5000)}`);
  const line = parse(exchange);

  t.is(line.useragent, 'u'.repeat(4096));
  t.is(line.request, `GET /${'p'.repeat(4095)} HTTP/1.1`);
});

test('the hostname is logged without its port, also for an IPv6 address', async (t) => {
  const { exchange } = await withExchange(t, 'GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8080\r\n\r\n');

  t.is(parse(exchange).hostname, '[2001:db8::1]');
});

test('addresses are shortened if the option is set', async (t) => {
  const { exchange } = await answered(t, 'True-Client-IP: 203.0.113.77\r\n');

  t.is(parse(exchange, false).remote_addr, '203.0.113.77');
  t.is(parse(exchange, true).remote_addr, '203.0.113.0');
});

test('a line has no secret of its request', async (t) => {
  const { exchange } = await answered(
    t,
    'Authorization: Basic s3cret\r\nCookie: s3cret\r\nProxy-Authorization: s3cret\r\n',
  );

  t.false(new AccessLine({ shortAddresses: false }).of(exchange).includes('s3cret'));
});
