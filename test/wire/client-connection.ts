import test from 'ava';
import type { ResponseSink } from '../../src/contract/http-message.ts';
import type { Peer } from '../helpers/peer.ts';
import { until } from '../helpers/until.ts';
import { echo, wireServer } from '../helpers/wire-server.ts';

const GET = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Reads one response with a Content-Length. Resolves with its body. */
async function readResponse(peer: Peer): Promise<{ readonly head: string; readonly body: string }> {
  const head = await peer.readHead();
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
  return { head, body: await peer.readBytes(length) };
}

test('requests of one connection are answered one after the other', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write(GET('/1'));
  const { head, body } = await readResponse(peer);
  t.regex(
    head,
    /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+ GMT\r\nContent-Length: 7\r\nConnection: keep-alive\r\nKeep-Alive: timeout=20\r\n\r\n$/,
  );
  t.is(body, 'GET /1 ');
  for (const byte of 'POST /2 HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
    peer.write(byte);
  t.is((await readResponse(peer)).body, 'POST /2 hi');
  t.is(server.connections.size, 1);
});

test('pipelined requests are handled one at a time and answered in order', async (t) => {
  const waiting: ResponseSink[] = [];
  const server = await wireServer(t, (_request, response) => waiting.push(response));
  const peer = await server.connect();
  peer.write(Array.from({ length: 1400 }, (_, index) => GET(`/${index}`)).join(''));
  for (let index = 0; index < 1400; index++) {
    await until(() => waiting.length > 0, 'the next request');
    t.is(waiting.length, 1);
    const [response] = waiting.splice(0);
    response?.head(200, 'OK', []);
    response?.end(String(index));
    await readResponse(peer);
  }
  t.is(server.handled.length, 1400);
});

test('a client that pipelines without end can send at most 64 KiB ahead', async (t) => {
  const server = await wireServer(t, () => undefined);
  const peer = await server.connect();
  const request = GET(`/${'x'.repeat(1000)}`);
  let isFull = false;
  for (let sent = 0; sent < 64 * 1024 ** 2 && !isFull; sent += request.length * 64) {
    isFull = !peer.socket.write(request.repeat(64)) && peer.socket.writableLength > 8 * 1024 ** 2;
    await new Promise(setImmediate);
  }
  t.true(isFull, 'the client cannot send the rest');
  t.is(server.handled.length, 1);
});

test('invalid bytes after a valid request do not change its response, and no later request is handled', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write(`${GET('/good')}\0garbage\r\n\r\n${GET('/never')}`);
  t.is((await readResponse(peer)).body, 'GET /good ');
  const { head } = await readResponse(peer);
  t.regex(head, /^HTTP\/1\.1 400 /);
  t.regex(head, /\r\nConnection: close\r\n/);
  t.is(await peer.readToEnd(), '');
  t.deepEqual(server.handled, ['GET /good']);
});

for (const [title, bytes, status] of [
  ['without Host', 'GET /x HTTP/1.1\r\n\r\n', 400],
  ['with a coding besides chunked', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501],
  ['of HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['with CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['with a head that is too long', `GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ['with an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n', 417],
] as const) {
  test(`a request ${title} gets ${status}, and no later request is handled`, async (t) => {
    const server = await wireServer(t, echo);
    const peer = await server.connect();
    peer.write(bytes + GET('/behind'));
    t.true((await peer.readToEnd()).startsWith(`HTTP/1.1 ${status} `));
    t.deepEqual(server.handled, []);
    t.is(server.refused.length, 1);
  });
}

test('NUL bytes after requests leave no open connection and no waiting request', async (t) => {
  const server = await wireServer(t, echo);
  for (let round = 0; round < 3; round++) {
    const peer = await server.connect();
    peer.write(`${GET('/late')}\0\0\0\0`);
    t.is((await readResponse(peer)).body, 'GET /late ');
    t.true((await peer.readToEnd()).startsWith('HTTP/1.1 400 '));
    peer.end();
    await until(() => server.connections.size === 0, 'the end of the connection');
  }
  t.pass();
});

test('invalid framing in a body gets 400, and the connection is closed', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write(
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nFFFFFFFFFFFFFFFF\r\n${GET('/never')}`,
  );
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 400 .*bad_request$/s);
  t.deepEqual(server.handled, ['POST /']);
});

test('every token is accepted as a method', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write('PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n');
  t.is((await readResponse(peer)).body, 'PURGE /x ');
});

test('HTTP/1.0 gets a body up to the end of the connection, and keeps it open only where it asks', async (t) => {
  const server = await wireServer(t, (_request, response) => {
    response.head(200, 'OK', []);
    response.write('a');
    response.end('b');
  });
  const old = await server.connect();
  old.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  t.regex(await old.readToEnd(), /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+\r\nConnection: close\r\n\r\nab$/);
  const echoing = await (await wireServer(t, echo)).connect();
  echoing.write('GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  t.regex((await readResponse(echoing)).head, /\r\nConnection: keep-alive\r\n/);
  echoing.write('GET /2 HTTP/1.0\r\n\r\n');
  t.regex(await echoing.readToEnd(), /\r\nConnection: close\r\n.*GET \/2 $/s);
});

for (const [title, request, status, rest] of [
  ['a HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 200, 'Content-Length: 5\r\n'],
  ['a 204', GET('/'), 204, ''],
  ['a 304', GET('/'), 304, 'Content-Length: 5\r\n'],
  ['a 205', GET('/'), 205, 'Content-Length: 0\r\n'],
] as const) {
  test(`content of ${title} is not sent before the next response`, async (t) => {
    const server = await wireServer(t, (asked, response) => {
      if (asked.target === '/next') return echo(asked, response);
      response.head(status, 'X', ['Content-Length', '5', 'Date', 'x']);
      response.write('he');
      response.end('llo');
    });
    const peer = await server.connect();
    peer.write(request + GET('/next'));
    t.is(
      await peer.readHead(),
      `HTTP/1.1 ${status} X\r\nDate: x\r\n${rest}Connection: keep-alive\r\nKeep-Alive: timeout=20\r\n\r\n`,
    );
    t.is((await readResponse(peer)).body, 'GET /next ');
  });
}

test('a chunked response has its trailers', async (t) => {
  const server = await wireServer(t, (_request, response) => {
    response.head(200, 'OK', ['Trailer', 'X-Sum']);
    response.write('hi');
    response.end('', ['X-Sum', '1']);
  });
  const peer = await server.connect();
  peer.write(GET('/'));
  t.regex(await peer.readHead(), /\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n/);
  t.is(await peer.readUntil('1\r\n\r\n'), '2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n');
});

test('interim responses go in front of the final one, without framing, and not to HTTP/1.0', async (t) => {
  const server = await wireServer(t, (request, response) => {
    response.inform(103, ['Link', '</a>', 'Content-Length', '5', 'Connection', 'x']);
    echo(request, response);
  });
  const peer = await server.connect();
  peer.write(GET('/'));
  t.is(await peer.readHead(), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  t.regex((await readResponse(peer)).head, /^HTTP\/1\.1 200 /);
  peer.write('GET / HTTP/1.0\r\n\r\n');
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 200 /);
});

test('a head without content is sent at the end of the turn of the event loop', async (t) => {
  const server = await wireServer(t, (_request, response) =>
    response.head(200, 'OK', ['Content-Type', 'text/event-stream']),
  );
  const peer = await server.connect();
  peer.write(GET('/'));
  t.regex(await peer.readHead(), /\r\nTransfer-Encoding: chunked\r\n/);
});

test('a head is sent at the end of the turn of the event loop, also if the content written with it is empty or dropped', async (t) => {
  const server = await wireServer(t, (request, response) => {
    response.head(request.target === '/205' ? 205 : 200, 'OK', []);
    response.write(request.target === '/empty' ? '' : 'dropped');
  });
  for (const bytes of [GET('/empty'), GET('/205'), GET('/head').replace('GET', 'HEAD')]) {
    const peer = await server.connect();
    peer.write(bytes);
    t.regex(await peer.readHead(), /^HTTP\/1\.1 20[05] OK\r\n/);
    t.is(peer.rest, '');
  }
});

test('the client can detect an incomplete response in every framing', async (t) => {
  for (const [request, headers] of [
    [GET('/'), []],
    [GET('/'), ['Content-Length', '5']],
    ['GET / HTTP/1.0\r\n\r\n', []],
  ] as const) {
    const server = await wireServer(t, (_request, response) => {
      response.head(200, 'OK', headers);
      response.write('hi');
      setImmediate(() => response.abort());
    });
    const peer = await server.connect();
    peer.write(request);
    await peer.readUntil('hi');
    await peer.until(() => peer.closed !== undefined || peer.ended);
    if (request.includes('1.0')) t.is(peer.closed, 'reset');
    t.false(peer.rest.includes('0\r\n'));
    await until(() => server.connections.size === 0, 'the end of the connection');
  }
});

test('a body shorter than its Content-Length cuts the connection, and bytes beyond it are never sent', async (t) => {
  const server = await wireServer(t, (_request, response) => {
    response.head(200, 'OK', ['Content-Length', '5']);
    t.throws(() => response.write('hello!'), { instanceOf: RangeError });
    response.end('hell');
  });
  const peer = await server.connect();
  peer.write(GET('/') + GET('/next'));
  t.regex(await peer.readToEnd(), /\r\n\r\n(?:hell)?$/);
  t.is(server.handled.length, 1);
});

test('a response that is aborted in the turn of its head is seen to be cut', async (t) => {
  const server = await wireServer(t, (_request, response) => {
    response.head(200, 'OK', []);
    response.abort();
  });
  const peer = await server.connect();
  peer.write(GET('/'));
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nTransfer-Encoding: chunked\r\n[\s\S]*\r\n\r\n$/);
});
