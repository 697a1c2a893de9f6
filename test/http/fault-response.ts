import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { answerFault } from '../../src/http/fault-response.ts';
import { toWebRequest } from '../../src/http/web-request.ts';
import { type ExchangeServer, serveExchanges } from '../helpers/exchange-server.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Starts a server that calls `prepare` and then answers every request with this fault. */
async function serveFault(
  t: ExecutionContext,
  fault: Fault,
  prepare: (exchange: Exchange) => Promise<unknown> | unknown = () => {},
): Promise<ExchangeServer> {
  return serveExchanges(t, async (exchange) => {
    await prepare(exchange);
    answerFault(exchange, fault);
  });
}

function withoutDate(answer: string): string {
  return answer.replace(/^Date: .*\r\n/m, '');
}

test('a fault is answered with status, code and request id, and is not cached', async (t) => {
  const server = await serveFault(t, new Fault('hop_unreachable', { message: 'secret', cause: new Error('secret') }));

  const answer = await server.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.is(
    withoutDate(answer),
    'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      'Cache-Control: no-store\r\nx-request-id: id-of-this\r\nContent-Length: 61\r\nConnection: close\r\n\r\n' +
      '502 Bad Gateway\ncode: hop_unreachable\nrequest id: id-of-this\n',
  );
  t.regex(answer, /^Date: /m);
});

test('the access line has the fault and the number of sent bytes', async (t) => {
  const fault = new Fault('loop_detected');
  const server = await serveFault(t, fault);

  const answer = await server.exchange('GET / HTTP/1.0\r\n\r\n');

  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const [exchange] = server.exchanges;
  t.is(exchange?.fault, fault);
  t.is(exchange?.response.sentBytes, body.length);
  t.is(exchange?.contentType, 'text/plain; charset=utf-8');
});

test('the response has the format that the client prefers', async (t) => {
  const server = await serveFault(t, new Fault('hop_timeout'));

  const answer = await server.exchange('GET / HTTP/1.0\r\nAccept: application/json\r\n\r\n');

  t.true(answer.endsWith('{"status":504,"code":"hop_timeout","requestId":"id-of-this"}\n'));
});

test('the headers of the fault are sent', async (t) => {
  const server = await serveFault(t, new Fault('hop_busy', { headers: ['Retry-After', '1', 'X-Why', 'queue'] }));

  t.regex(await server.exchange('GET / HTTP/1.0\r\n\r\n'), /^Retry-After: 1\r\nX-Why: queue\r\n/m);
});

test('headers of a prepared response are removed', async (t) => {
  const server = await serveFault(t, new Fault('function_error'), (exchange) => {
    const { response } = exchange.node;
    response.statusMessage = 'Splendid';
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Content-Length', 5);
    response.sendDate = false;
  });

  const answer = await server.exchange('GET / HTTP/1.0\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 500 Internal Server Error\r\n/);
  t.regex(answer, /^Content-Length: 64\r\n/m);
  t.regex(answer, /^Date: /m);
  t.notRegex(answer, /cookie|gzip|Length: 5\r/i);
});

test('a HEAD gets Content-Length and no body', async (t) => {
  const server = await serveFault(t, new Fault('loop_detected'));

  const answer = await server.exchange('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^Content-Length: \d\d\r\n/m);
  t.true(answer.endsWith('\r\n\r\n'));
  t.is(server.exchanges[0]?.response.sentBytes, 0);
});

test('the connection stays usable after a fault', async (t) => {
  const server = await serveFault(t, new Fault('hop_unreachable'));
  const peer = await server.connect();

  for (const request of [GET, GET]) {
    peer.write(request);
    t.regex(await peer.readHead(), /^Connection: keep-alive\r\n/m);
    await peer.readUntil('request id: id-of-this\n');
  }
});

test('the connection stays usable after a fault when the request body was read', async (t) => {
  const server = await serveFault(t, new Fault('hop_unreachable'), (exchange) => toWebRequest(exchange).text());
  const peer = await server.connect();

  for (const body of ['hello', 'world']) {
    peer.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n${body}`);
    t.regex(await peer.readHead(), /^Connection: keep-alive\r\n/m);
    await peer.readUntil('request id: id-of-this\n');
  }
});

const UNREAD = ['Content-Length: 10485760', 'Transfer-Encoding: chunked'];

for (const framing of UNREAD) {
  test(`a fault before the request body is read closes the connection after the client has read the response (${framing})`, async (t) => {
    const server = await serveFault(t, new Fault('body_too_large'));
    const peer = await server.connect();
    peer.socket.pause();

    peer.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    await new Promise((resolve) => peer.socket.write(chunkOf(10 * 1024 ** 2, framing), resolve));
    peer.socket.resume();

    const answer = await peer.readToEnd();
    t.regex(answer, /^HTTP\/1\.1 413 /);
    t.regex(answer, /^Connection: close\r\n/m);
    t.true(answer.endsWith('request id: id-of-this\n'));
  });
}

function chunkOf(bytes: number, framing: string): Buffer {
  const head = framing.startsWith('Transfer') ? `${bytes.toString(16)}\r\n` : '';
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]);
}

test('no request is read after one that was refused because of a drain', async (t) => {
  const server = await serveFault(t, new Fault('draining'));

  const answer = await server.exchange(GET);

  t.regex(answer, /^Connection: close\r\n/m);
  t.true(answer.endsWith('code: draining\nrequest id: id-of-this\n'));
});

/** Sends the head and `part`. Resolves when the kernel has accepted them. */
async function sendPart(exchange: Exchange, headers: readonly string[] = []): Promise<void> {
  exchange.writeHead(200, 'OK', headers);
  exchange.response.write('part');
  await until(() => exchange.socket.writableLength === 0, 'the part to be sent');
}

test('a chunked response that breaks off has no last chunk', async (t) => {
  const server = await serveFault(t, new Fault('hop_reset'), (exchange) => sendPart(exchange));
  const peer = await server.connect();

  peer.write(GET);
  await peer.until(() => peer.closed !== undefined);

  t.true(peer.received.endsWith('\r\n\r\n4\r\npart\r\n'));
  t.is(peer.closed, 'end');
});

test('an answer with a length broke off and is shorter', async (t) => {
  const server = await serveFault(t, new Fault('hop_reset'), (exchange) =>
    sendPart(exchange, ['Content-Length', '100']),
  );
  const peer = await server.connect();

  peer.write(GET);
  await peer.until(() => peer.closed !== undefined);

  t.true(peer.received.endsWith('\r\n\r\npart'));
  t.is(peer.closed, 'end');
});

test('a response that ends with its connection is reset when it breaks off', async (t) => {
  const server = await serveFault(t, new Fault('hop_reset'), (exchange) => sendPart(exchange));
  const peer = await server.connect();

  peer.write('GET / HTTP/1.0\r\n\r\n');
  await peer.until(() => peer.closed !== undefined);

  t.is(peer.closed, 'reset');
});

test('a fault after a complete response changes nothing', async (t) => {
  const whole = 'whole'.repeat(2 ** 20);
  const server = await serveFault(t, new Fault('function_error'), (exchange) => writeText(exchange, 200, whole));
  const peer = await server.connect();

  peer.write(GET);
  await peer.readHead();

  t.is(await peer.readBytes(whole.length), whole);
  t.is(server.exchanges[0]?.fault?.code, 'function_error');
});

test('a response that breaks off does not cut the one before it on the same connection', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    if (exchange.target === '/first') {
      writeText(exchange, 200, 'whole');
      return;
    }
    await sendPart(exchange);
    answerFault(exchange, new Fault('hop_reset'));
  });

  const answer = await server.exchange(GET.replace('/', '/first') + GET);
  await until(() => server.exchanges[1]?.response.isClosed === true, 'the cut');

  t.regex(answer, /\r\n\r\nwholeHTTP/);
  t.true(answer.endsWith('4\r\npart\r\n'));
  t.deepEqual(
    server.exchanges.map(({ left }) => left),
    [false, true],
  );
});

test('no bytes are sent to a client that left', async (t) => {
  const server = await serveFault(t, new Fault('client_left'));

  t.is(await server.exchange(GET), '');
});

test('a fault after the client left is ignored', async (t) => {
  const fault = new Fault('hop_unreachable');
  const server = await serveFault(t, fault, async ({ response }) => {
    response.abort();
    await until(() => response.isClosed, 'the end');
  });

  t.is(await server.exchange(GET), '');
  await until(() => server.exchanges[0]?.fault === fault, 'the fault');
  t.deepEqual(server.faults, []);
});

test('a fault with a header that cannot be written ends the connection without an exception', async (t) => {
  const server = await serveFault(t, new Fault('function_error', { headers: ['X-Why', 'a\r\nSet-Cookie: b=c'] }));

  t.is(await server.exchange(GET), '');
  t.deepEqual(server.faults, []);
});
