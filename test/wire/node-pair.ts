import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import test from 'ava';
import { bareServer, get, OWNER, pairServer, post, readResponse } from '../helpers/node-servers.ts';
import { until } from '../helpers/until.ts';
import { echo, wireServer } from '../helpers/wire-server.ts';

test('a connection serves native and framework requests in turn', async (t) => {
  const server = await wireServer(t, (request, response) => {
    if (!request.target.startsWith('/node')) {
      echo(request, response);
      return;
    }
    const { pair } = response.toNode(request, request.target, OWNER);
    pair.request.setEncoding('latin1').once('data', (text) => pair.response.end(`${pair.request.url} ${text}`));
  });
  const peer = await server.connect();
  const body = 'x'.repeat(100_000);
  for (let round = 0; round < 5; round++) {
    peer.write(post('/node', 'hi') + post('/wire', body) + post('/node', 'ho') + get('/wire'));
    t.is((await readResponse(peer)).body, '/node hi');
    t.is((await readResponse(peer)).body, `POST /wire ${body}`);
    t.is((await readResponse(peer)).body, '/node ho');
    t.is((await readResponse(peer)).body, 'GET /wire ');
  }
  t.is(server.connections.size, 1);
});

test('a thousand requests of one connection leave no listener on its socket', async (t) => {
  let socket: IncomingMessage['socket'] | undefined;
  const server = await pairServer(t, (request, response) => {
    socket = request.socket;
    response.end('x');
  });
  const peer = await server.connect();
  const counts = new Set<string>();
  for (let count = 0; count < 1000; count++) {
    peer.write(get('/'));
    await readResponse(peer);
    await until(
      () => (socket as unknown as { _httpMessage: unknown })._httpMessage === null,
      'the end of the response',
    );
    counts.add(JSON.stringify(socket?.eventNames().map((name) => [String(name), socket?.listenerCount(name)])));
  }
  t.is(counts.size, 1, [...counts].join());
});

test('pipelined requests are handled one at a time, also by a slow framework', async (t) => {
  const waiting: ServerResponse[] = [];
  const server = await pairServer(t, (_request, response) => waiting.push(response));
  const peer = await server.connect();
  peer.write(get('/1') + post('/2', 'body') + get('/3'));
  for (const target of ['GET /1', 'POST /2', 'GET /3']) {
    await until(() => waiting.length > 0, 'the next request');
    t.is(waiting.length, 1);
    waiting.pop()?.end(target);
    t.is((await readResponse(peer)).body, target);
  }
});

test('100 Continue is sent when the body is read, not earlier', async (t) => {
  const server = await pairServer(t, (request, response) => {
    if (request.url === '/refused') response.writeHead(401, { 'Content-Length': 0 }).end();
    else request.pipe(response);
  });
  const peer = await server.connect();
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n';
  peer.write(head);
  t.is(await peer.readHead(), 'HTTP/1.1 100 Continue\r\n\r\n');
  peer.write('hi');
  await peer.readUntil('2\r\nhi\r\n0\r\n\r\n');
  peer.write(head.replace(' / ', ' /refused '));
  const refusal = await peer.readHead();
  t.regex(refusal, /^HTTP\/1\.1 401 /);
  t.regex(refusal, /\r\nConnection: close\r\n/);
  t.is(await peer.readToEnd(), '');
});

test('an upload waits while the framework does not read', async (t) => {
  let request: IncomingMessage | undefined;
  const server = await pairServer(t, (given, response) => {
    request = given;
    given.once('data', () => given.pause());
    given.on('end', () => response.end('done'));
  });
  const peer = await server.connect();
  const total = 64 * 1024 ** 2;
  peer.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
  const piece = Buffer.alloc(1024 ** 2);
  let sent = 0;
  while (sent < total && (peer.socket.write(piece) || peer.socket.writableLength < 8 * piece.length)) {
    sent += piece.length;
    await new Promise(setImmediate);
  }
  t.true(sent < total, 'the client is stopped');
  t.true((request?.readableLength ?? 0) < 1024 ** 2);
  request?.resume();
  for (; sent < total; sent += piece.length) peer.socket.write(piece);
  t.is((await readResponse(peer)).body, 'done');
});

test('a response waits while its client does not read', async (t) => {
  let written = 0;
  const server = await pairServer(t, (_request, response) => {
    const chunk = Buffer.alloc(1024 ** 2);
    const write = (): void => {
      let isReady = true;
      for (; written < 256 && isReady; written++) isReady = response.write(chunk);
      if (written === 256) response.end();
      else response.once('drain', write);
    };
    write();
  });
  const peer = await server.connect();
  peer.socket.pause();
  peer.write(get('/'));
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.true(written < 128);
  peer.socket.removeAllListeners('data').resume();
  await until(() => written === 256, 'the whole response');
});

test('a framework that reads after its response gets the whole upload', async (t) => {
  const body = 'y'.repeat(1024 ** 2);
  let received = 0;
  const ended = Promise.withResolvers<void>();
  const server = await pairServer(t, (request, response) => {
    request.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    request.on('close', ended.resolve);
    response.end('early');
  });
  const peer = await server.connect();
  peer.write(post('/', body).slice(0, -body.length));
  const { head } = await readResponse(peer);
  t.regex(head, /\r\nConnection: close\r\n/);
  peer.write(body);
  await ended.promise;
  t.is(received, body.length);
  t.is(await peer.readToEnd(), '');
});

test('a large body that the framework does not read closes the connection, and the client still gets the response', async (t) => {
  const server = await pairServer(t, (_request, response) => response.end('no'));
  const peer = await server.connect();
  peer.write(post('/', 'z'.repeat(4 * 1024 ** 2)));
  const { head, body } = await readResponse(peer);
  t.regex(head, /\r\nConnection: close\r\n/);
  t.is(body, 'no');
  t.is(await peer.readToEnd(), '');
});

test('a half-closed client gets its response from a framework', async (t) => {
  const server = await wireServer(t, (request, response) => {
    const { pair, response: sink } = response.toNode(request, request.target, OWNER);
    sink.listen({ drained() {}, closed() {}, clientEnded: () => pair.response.end('late') });
  });
  const peer = await server.connect();
  peer.end(get('/'));
  const answer = await peer.readToEnd();
  t.regex(answer, /\r\nConnection: close\r\n/);
  t.regex(answer, /\r\n\r\nlate$/);
});

test('while the server drains, every response of a framework has Connection: close, whatever it sets', async (t) => {
  const server = await pairServer(t, (request, response) => {
    server.connections.announceClose();
    if (request.url === '/set') response.setHeader('Connection', 'keep-alive').end();
    else response.writeHead(200, { Connection: 'keep-alive', 'Content-Length': 0 }).end();
  });
  for (const target of ['/set', '/given']) {
    const peer = await server.connect();
    peer.write(get(target));
    const { head } = await readResponse(peer);
    t.deepEqual(head.match(/^Connection: [^\r]*/gm), ['Connection: close']);
    t.is(await peer.readToEnd(), '');
  }
});

test('a socket that is upgraded through the pair has the bytes after the request and no listener', async (t) => {
  const closed: boolean[] = [];
  const server = await wireServer(t, (request, response) => {
    const { pair, response: sink } = response.toNode(request, request.target, OWNER);
    sink.listen({ drained() {}, closed: (isWhole) => closed.push(isWhole) });
    const { socket, head } = sink.takeOver();
    t.like(pair.request, { upgrade: true });
    t.is(sink.status, 101);
    t.deepEqual(
      socket
        .eventNames()
        .map(String)
        .filter((name) => name !== 'error' && name !== 'end')
        .sort(),
      ['close'],
    );
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${head}`);
    socket.pipe(socket);
  });
  const peer = await server.connect();
  peer.write(`${get('/', 'Connection: Upgrade\r\nUpgrade: x\r\n')}early`);
  await peer.readUntil('early');
  peer.write('late');
  await peer.readUntil('late');
  peer.end();
  await peer.readToEnd();
  await until(() => closed.length > 0, 'the end of the connection');
  t.deepEqual(closed, [true]);
});

test('an upgrade that a framework declines is an ordinary request', async (t) => {
  const server = await pairServer(t, (request, response) =>
    response.end(`${Reflect.get(request, 'upgrade')} ${request.headers.upgrade}`),
  );
  const peer = await server.connect();
  peer.write(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n') + get('/next'));
  t.is((await readResponse(peer)).body, 'false websocket');
  t.is((await readResponse(peer)).body, 'false undefined');
});

test('a framework that stops reading after its response loses its connection after the timeout', async (t) => {
  const server = await pairServer(
    t,
    (request, response) => {
      request.on('readable', () => undefined);
      response.end('x');
    },
    { clientIdleTimeoutMs: 200 },
  );
  const peer = await server.connect();
  peer.write(`${post('/', 'z'.repeat(100_000)).slice(0, -1)}`);
  await readResponse(peer);
  t.is(await peer.readToEnd(), '');
});

test('the signal of a request is not aborted when its connection ends after the response', async (t) => {
  let signal: AbortSignal | undefined;
  const server = await pairServer(t, (request, response) => {
    // Since Node 24.21.
    signal = (request as { signal?: AbortSignal }).signal;
    response.end('x');
  });
  const peer = await server.connect();
  peer.write(get('/'));
  await readResponse(peer);
  peer.end();
  await once(peer.socket, 'close');
  await until(() => server.connections.size === 0, 'the end of the connection');
  t.false(signal?.aborted ?? false);
});

test('a request without a body and without listeners ends with its response, as in node:http', async (t) => {
  for (const start of [bareServer, pairServer]) {
    let request: IncomingMessage | undefined;
    const server = await start(t, (given, response) => {
      request = given;
      response.end('x');
    });
    const peer = await server.connect();
    peer.write(get('/'));
    await readResponse(peer);
    await until(() => request?.closed === true, 'the end of the request');
    t.like(request, { complete: true, destroyed: true, readableEnded: true, aborted: false, errored: null });
    await finished(request as IncomingMessage);
  }
});

test('all pairs share their methods, because V8 would otherwise keep too many functions', async (t) => {
  const seen: unknown[][] = [];
  const server = await pairServer(t, (request, response) => {
    const { writeHead, write, end, destroy } = response;
    seen.push([request._read, writeHead, write, end, destroy]);
    response.end('x');
  });
  const peer = await server.connect();
  for (const _ of [1, 2]) {
    peer.write(get('/'));
    await readResponse(peer);
  }
  t.is(seen.length, 2);
  seen[0]?.forEach((method, at) => {
    t.is(method, seen[1]?.[at]);
  });
});
