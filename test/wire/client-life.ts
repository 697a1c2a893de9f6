import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:tls';
import test from 'ava';
import type { ResponseSink } from '../../src/contract/http-message.ts';
import { ClientConnections } from '../../src/wire/client-connections.ts';
import { connectByTls, makeCertificate } from '../helpers/certificate.ts';
import { until } from '../helpers/until.ts';
import { answerFault, echo, LIMITS, wireServer } from '../helpers/wire-server.ts';

const GET = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: x\r\n';

test('a client that has ended its side gets all its responses, and then the end', async (t) => {
  const server = await wireServer(t, (request, response) => {
    setImmediate(() => echo(request, response));
  });
  const peer = await server.connect();
  peer.end(GET('/1') + GET('/2'));
  const text = await peer.readToEnd();
  t.regex(text, /GET \/1 HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n\r\nGET \/2 $/s);
  await until(() => server.connections.size === 0, 'the end of the connection');
});

test('the listener of a response is called when the client ends its side and when it closes the connection', async (t) => {
  const events: string[] = [];
  const server = await wireServer(t, (_request, response) => {
    response.listen({
      drained: () => undefined,
      closed: (isWhole) => events.push(`closed ${isWhole}`),
      clientEnded: () => events.push('ended'),
    });
  });
  const [half, gone] = [await server.connect(), await server.connect()];
  half.end(GET('/'));
  await until(() => events.length === 1, 'the end of the first client');
  gone.write(GET('/'));
  await until(() => server.handled.length === 2, 'the second request');
  gone.reset();
  await until(() => events.length === 2, 'the second client to close');
  t.deepEqual(events, ['ended', 'closed false']);
});

test('an incomplete head gets 400 if its client can still read', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.end('GET / HTTP/1.1\r\nHost');
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 400 /);
  t.deepEqual(server.handled, []);
});

test('a head that is not complete in time gets 408, even if its bytes keep arriving', async (t) => {
  const server = await wireServer(t, echo, { headersTimeoutMs: 200 });
  const peer = await server.connect();
  peer.write('GET / HTTP/1.1\r\n');
  const timer = setInterval(() => peer.write('A: b\r\n'), 20);
  t.teardown(() => clearInterval(timer));
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 408 /);
});

test('an idle connection is closed after its timeout, without a reset', async (t) => {
  const server = await wireServer(t, echo, { keepAliveTimeoutMs: 200 });
  const peer = await server.connect();
  peer.write(GET('/'));
  await peer.readUntil('GET / ');
  t.is(await peer.readToEnd(), '');
  t.not(peer.closed, 'reset');
});

test('the connection of a client that does not read its response is cut, and that of a slow reader is not', async (t) => {
  const endings: boolean[] = [];
  const server = await wireServer(
    t,
    (_request, response) => {
      response.listen({ drained: () => undefined, closed: (isWhole) => endings.push(isWhole) });
      response.head(200, 'OK', []);
      response.end(Buffer.alloc(16 * 1024 ** 2));
    },
    { clientIdleTimeoutMs: 400 },
  );
  const [deaf, slow] = [await server.connect(), await server.connect()];
  deaf.socket.pause();
  deaf.write(GET('/'));
  await until(() => endings.length === 1, 'the end of the unread response');
  t.deepEqual(endings, [false]);

  slow.write(GET('/'));
  const timer = setInterval(() => {
    slow.socket.resume();
    setTimeout(() => slow.socket.pause(), 5);
  }, 100);
  t.teardown(() => clearInterval(timer));
  await slow.until(() => slow.received.length > 16 * 1024 ** 2);
  t.deepEqual(endings, [false, true]);
});

test('a response waits while its client does not read, and continues when it reads', async (t) => {
  let response: ResponseSink | undefined;
  let drains = 0;
  const server = await wireServer(t, (_request, sink) => {
    response = sink;
    sink.listen({ drained: () => drains++, closed: () => undefined });
    sink.head(200, 'OK', []);
    sink.write(Buffer.alloc(16 * 1024 ** 2));
  });
  const peer = await server.connect();
  peer.socket.pause();
  peer.write(GET('/'));
  await until(() => response !== undefined, 'the request');
  t.true(response?.needsDrain);
  peer.socket.resume();
  await until(() => drains === 1, 'the drain');
  t.false(response?.needsDrain);
  response?.end();
  await peer.readUntil('0\r\n\r\n');
});

test('a drain answers a request that was on its way on an idle connection, and closes all other connections after their responses', async (t) => {
  const waiting: ResponseSink[] = [];
  const server = await wireServer(
    t,
    (request, response) => (request.target === '/wait' ? waiting.push(response) : echo(request, response)),
    { drainGraceMs: 1000 },
  );
  const [idle, busy, late] = [await server.connect(), await server.connect(), await server.connect()];
  for (const peer of [idle, late]) {
    peer.write(GET('/'));
    await peer.readUntil('GET / ');
  }
  busy.write(GET('/wait'));
  await until(() => waiting.length === 1, 'the request');
  server.stopListening();
  const drained = server.connections.drain();
  late.write(GET('/late'));
  t.regex(await late.readToEnd(), /\r\nConnection: close\r\n\r\nGET \/late $/);
  t.is(await idle.readToEnd(), '');
  waiting[0]?.head(200, 'OK', []);
  waiting[0]?.end('done');
  t.regex(await busy.readToEnd(), /\r\nConnection: close\r\n\r\ndone$/);
  for (const peer of [idle, late, busy]) peer.end();
  await drained;
  t.is(server.connections.size, 0);
});

test('an upgrade gets the connection with the bytes received after its head', async (t) => {
  const server = await wireServer(t, (request, response) => {
    t.is(request.upgrade, 'x');
    const { socket, head } = response.takeOver();
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  const peer = await server.connect();
  peer.write(`${GET('/', UPGRADE)}early`);
  await peer.readUntil('\r\n\r\nearly');
  peer.write('late');
  await peer.readUntil('late');
  t.is(server.connections.size, 0);
  peer.end();
  t.is(await peer.readToEnd(), '');
});

test('a declined upgrade is an ordinary request: its body and the next request are read', async (t) => {
  const server = await wireServer(t, echo);
  const peer = await server.connect();
  peer.write(GET('/1', UPGRADE) + GET('/2'));
  await peer.readUntil('GET /2 ');
  peer.write(`POST /3 HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: ${GET('/x').length}\r\n\r\n${GET('/x')}`);
  await peer.readUntil(`POST /3 ${GET('/x')}`);
  t.deepEqual(server.handled, ['GET /1', 'GET /2', 'POST /3']);
});

test('a refused upgrade whose body stops ends like any other request', async (t) => {
  const server = await wireServer(t, echo, { clientIdleTimeoutMs: 200 });
  const peer = await server.connect();
  peer.write(`POST / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 5\r\n\r\nhe`);
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 408 /);
  peer.end();
  await until(() => server.connections.size === 0, 'the end of the connection');
});

test('a handler that throws closes only its own connection', async (t) => {
  const server = await wireServer(t, (request, response) => {
    if (request.target === '/bad') throw new Error('a mistake');
    echo(request, response);
  });
  const [bad, good] = [await server.connect(), await server.connect()];
  bad.write(GET('/bad'));
  await bad.until(() => bad.closed !== undefined || bad.ended);
  good.write(GET('/'));
  await good.readUntil('GET / ');
  t.is(server.connections.size, 1);
});

test('a connection over TLS is served in the same way', async (t) => {
  const certificate = await makeCertificate(t);
  const handler = { handle: echo, refuse: answerFault };
  const connections = new ClientConnections({ ...LIMITS, encrypted: true, handler });
  const server = createTlsServer({
    cert: certificate.cert,
    key: await readFile(certificate.keyPath),
    allowHalfOpen: true,
  });
  server.on('secureConnection', (socket) => connections.accept(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    connections.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const peer = await connectByTls(t, port, certificate);
  peer.write(GET('https://a/1') + GET('/2'));
  await peer.readUntil('GET /2 ');
  peer.end('\0');
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 400 /);
  await until(() => connections.size === 0, 'the end of the connection');
});
