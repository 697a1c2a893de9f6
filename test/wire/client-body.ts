import test from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import type { BodySource, IncomingRequest, ResponseSink } from '../../src/contract/http-message.ts';
import { until } from '../helpers/until.ts';
import { answerFault, echo, wireServer } from '../helpers/wire-server.ts';

const POST = (length: number, more = '') => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n`;
const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';

/** Answers at once without reading the body, except for `/next`. */
function ignore(request: IncomingRequest, response: ResponseSink): void {
  if (request.target === '/next') echo(request, response);
  else {
    response.head(200, 'OK', []);
    response.end('ok');
  }
}

test('100 Continue is sent when the reading of the body starts, not earlier', async (t) => {
  let start: (() => void) | undefined;
  const server = await wireServer(t, (request, response) => {
    start = () => echo(request, response);
  });
  const peer = await server.connect();
  peer.write(POST(2, 'Expect: 100-continue\r\n'));
  await until(() => start !== undefined, 'the request');
  t.is(peer.received, '');
  start?.();
  t.is(await peer.readHead(), 'HTTP/1.1 100 Continue\r\n\r\n');
  peer.write('hi');
  await peer.readUntil('POST / hi');
  peer.write(NEXT);
  start = undefined;
  await until(() => start !== undefined, 'the next request');
});

test('Expect: 100-continue without a body does not close the connection', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write(`GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n${NEXT}`);
  t.false((await peer.readUntil('GET /next ')).includes('100 Continue'));
});

test('after a response to a client that still waits for 100 Continue the connection is closed', async (t) => {
  const server = await wireServer(t, ignore);
  const peer = await server.connect();
  peer.write(POST(5, 'Expect: 100-continue\r\n'));
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n\r\nok$/s);
});

test('a small body that the handler does not read is discarded, and the connection stays open', async (t) => {
  const server = await wireServer(t, ignore);
  const peer = await server.connect();
  peer.write(`${POST(5)}hello${NEXT}`);
  await peer.readUntil('GET /next ');
  peer.write(POST(5));
  await peer.readUntil('ok');
  peer.write('he');
  peer.write(`llo${NEXT}`);
  await peer.readUntil('GET /next ');
  peer.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${NEXT}`);
  await peer.readUntil('GET /next ');
  t.is(server.connections.size, 1);
});

test('a client that still sends a large body gets the early response, and then the connection is closed', async (t) => {
  const server = await wireServer(t, ignore);
  const peer = await server.connect();
  peer.write(POST(8_000_000));
  await new Promise<void>((resolve) => peer.socket.write('x'.repeat(8_000_000), () => resolve()));
  peer.write(NEXT);
  t.regex(await peer.readToEnd(), /\r\nConnection: close\r\n\r\nok$/);
  peer.end();
  await until(() => server.connections.size === 0, 'the end of the connection');
  t.deepEqual(server.handled, ['POST /']);
});

test('a body above its limit is refused by its announced length, or as soon as it exceeds the limit', async (t) => {
  const server = await wireServer(t, (request, response) => {
    try {
      request.body.limit(5);
    } catch (error) {
      return answerFault(error as Fault, response); // limit throws nothing else
    }
    echo(request, response);
  });
  for (const bytes of [
    POST(6),
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!',
  ]) {
    const peer = await server.connect();
    peer.write(bytes);
    t.regex(await peer.readToEnd(), /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n.*body_too_large$/s);
  }
  const peer = await server.connect();
  peer.write(`${POST(5)}hello`);
  await peer.readUntil('POST / hello');
});

test('a paused body passes nothing on, and its client cannot send more', async (t) => {
  let body: BodySource | undefined;
  let received = 0;
  const server = await wireServer(t, (request, response) => {
    body = request.body;
    request.body.start({
      onData(content) {
        received += content.length;
        if (received === content.length) request.body.pause();
      },
      onEnd() {
        response.head(200, 'OK', []);
        response.end(String(received));
      },
      onFailure: (fault) => answerFault(fault, response),
    });
  });
  const peer = await server.connect();
  const length = 64 * 1024 ** 2;
  peer.write(POST(length));
  let sent = false;
  peer.socket.write(Buffer.alloc(length), () => {
    sent = true;
  });
  await until(() => received > 0, 'the first piece');
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  t.false(sent);
  t.true(received <= 64 * 1024, `${received}`);
  body?.resume();
  await peer.readUntil(`\r\n\r\n${length}`);
});

test('a sink may pause, resume, discard or answer early inside its own call', async (t) => {
  const server = await wireServer(t, (request, response) => {
    if (request.target === '/next') return echo(request, response);
    request.body.start({
      onData() {
        request.body.pause();
        request.body.resume();
        if (response.isHeadWritten) return;
        response.head(200, 'OK', []);
        response.end('early');
        request.body.discard();
      },
      onEnd: () => t.fail('the body was discarded'),
      onFailure: () => t.fail('the body was discarded'),
    });
  });
  const peer = await server.connect();
  peer.write(`${POST(10)}hello`);
  await peer.readUntil('early');
  peer.write(`world${NEXT}`);
  await peer.readUntil('GET /next ');
  t.deepEqual(server.handled, ['POST /', 'GET /next']);
});

test('a client that stops within its body gets 408 once, and its connection is closed', async (t) => {
  const faults: string[] = [];
  const server = await wireServer(
    t,
    (request, response) =>
      request.body.start({
        onData: () => undefined,
        onEnd: () => t.fail('the body has not ended'),
        onFailure(fault) {
          faults.push(fault.code);
          answerFault(fault, response);
        },
      }),
    { clientIdleTimeoutMs: 200 },
  );
  const peer = await server.connect();
  peer.write(`${POST(5)}he`);
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 408 .*request_timeout$/s);
  peer.end();
  await until(() => server.connections.size === 0, 'the end of the connection');
  t.deepEqual(faults, ['request_timeout']);
});

test('a paused or unread body does not count as a client that stops', async (t) => {
  let finish: (() => void) | undefined;
  const server = await wireServer(
    t,
    (request, response) => {
      finish = () => echo(request, response);
    },
    { clientIdleTimeoutMs: 50 },
  );
  const peer = await server.connect();
  peer.write(`${POST(5)}he`);
  await until(() => finish !== undefined, 'the request');
  await new Promise((resolve) => setTimeout(resolve, 400));
  finish?.();
  peer.write('llo');
  t.regex(await peer.readUntil('POST / hello'), /^HTTP\/1\.1 200 /);
});

for (const [title, leave] of [
  ['resets its connection', (peer: { reset(): void }) => peer.reset()],
  ['ends its side', (peer: { end(): void }) => peer.end()],
] as const) {
  test(`a client that ${title} within its body fails the body once`, async (t) => {
    const faults: string[] = [];
    let isStarted = false;
    const server = await wireServer(t, (request, response) => {
      request.body.start({
        onData: () => {
          isStarted = true;
        },
        onEnd: () => t.fail('half of a body has no end'),
        onFailure(fault) {
          faults.push(fault.code);
          response.abort();
        },
      });
    });
    const peer = await server.connect();
    peer.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await until(() => isStarted, 'the body');
    leave(peer);
    await until(() => server.connections.size === 0, 'the end of the connection');
    t.deepEqual(faults, ['client_left']);
  });
}
