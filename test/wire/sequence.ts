import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { Random } from '../helpers/differential/random.ts';
import { originPool, send } from '../helpers/origin-pool.ts';
import { until } from '../helpers/until.ts';
import { Relay } from '../helpers/wire-relay.ts';
import { wireServer } from '../helpers/wire-server.ts';

const OPENS = 5000;
const AT_A_TIME = 40;
const LARGE = Buffer.alloc(300_000, 'x');

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What the origin does with a request, by the first segment of its target. */
const ORIGIN: Readonly<Record<string, (socket: Socket) => void>> = {
  ok: (socket) => socket.write(OK),
  chunked: (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n'),
  large: (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n`);
    socket.write(LARGE);
  },
  close: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
  hints: (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`),
  surplus: (socket) => socket.write(`${OK}surplus`),
  garbage: (socket) => socket.write('garbage\r\n\r\n'),
  half: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
  reset: (socket) => socket.resetAndDestroy(),
  never: () => undefined,
};

const GOOD = ['ok', 'ok', 'ok', 'chunked', 'large', 'hints', 'surplus', 'close'];

function get(target: string, more = ''): string {
  return `GET /${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
}

/** One connection of a client: what it sends, and how it ends. */
function makeClient(random: Random): { readonly bytes: string; readonly leaves: 'ends' | 'resets' | 'stays' } {
  const leaves = random.pick(['ends', 'ends', 'ends', 'resets', 'stays'] as const);
  const target = random.mostly(random.pick(GOOD), Object.keys(ORIGIN), 4);
  switch (random.below(12)) {
    case 0:
      return { bytes: get(target).repeat(1 + random.below(8)), leaves };
    case 1:
      return { bytes: get(target).slice(0, random.below(30)), leaves };
    case 2:
      return {
        bytes: `${get(target)}${random.pick(['\0\0\0\0', 'garbage\n', 'GET / HTTP/1.1\r\n\r\n'])}${get('ok')}`,
        leaves,
      };
    case 3:
      return {
        bytes: `POST /${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n${random.mostly('hello', ['he', ''])}`,
        leaves,
      };
    case 4:
      return {
        bytes: `POST /${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${random.mostly('0\r\n\r\n', ['', 'g\r\n', 'F'.repeat(16)])}`,
        leaves,
      };
    case 5:
      return {
        bytes: `POST /${target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
        leaves,
      };
    case 6:
      return { bytes: `${get(random.pick(['tunnel', target]), 'Connection: Upgrade\r\nUpgrade: x\r\n')}early`, leaves };
    case 7:
      return {
        bytes: `POST /${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(random.mostly(200_000, [10, 70_000]))}`,
        leaves,
      };
    default:
      return { bytes: get(target), leaves };
  }
}

/** Runs one client to its end. Resolves when its socket is closed. */
async function play(random: Random, port: number): Promise<void> {
  const { bytes, leaves } = makeClient(random);
  const turns = random.below(20);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined).on('end', () => socket.end());
  if (!random.oneIn(10)) socket.resume();
  const closed = once(socket, 'close').catch(() => undefined);
  await once(socket, 'connect');
  socket.write(bytes, 'latin1');
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  if (leaves === 'ends') socket.end();
  else if (leaves === 'resets') socket.resetAndDestroy();
  socket.resume();
  await closed;
}

test('after thousands of requests, aborts, refusals, upgrades and timeouts no connection, call or listener is left', async (t) => {
  t.timeout(180_000);
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);
  const random = new Random(seed);

  const origin = createServer((socket) => {
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received = received.slice(-200) + chunk.toString('latin1');
      // A request without a body is answered at its end. One with a body is answered early, at its head or within the body.
      const [, target = ''] = /^[A-Z]+ \/(\w+) .*?\r\n\r\n/ms.exec(received) ?? [];
      if (target === '') return;
      received = '';
      ORIGIN[target]?.(socket);
    });
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  t.teardown(() => origin.close());
  const { port } = origin.address() as { port: number };

  const pool = originPool(t, port, { connections: 8, firstByteTimeoutMs: 300, idleTimeoutMs: 300, keepAliveMs: 500 });
  let closes = 0;
  const tunnels = new Set<Socket>();
  const server = await wireServer(
    t,
    (request, response) => {
      if (request.upgrade !== undefined && request.target === '/tunnel') {
        const { socket, head } = response.takeOver();
        closes++;
        tunnels.add(socket);
        socket.on('close', () => tunnels.delete(socket)).on('end', () => socket.end());
        socket.setTimeout(300, () => socket.destroy());
        socket.write(head);
        socket.resume();
        return;
      }
      const relay = new Relay(request, response);
      relay.onClosed = () => {
        closes++;
      };
      relay.start(pool);
    },
    { headersTimeoutMs: 300, keepAliveTimeoutMs: 300, clientIdleTimeoutMs: 300 },
  );

  let left = OPENS;
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (left-- > 0) await play(random, server.port);
    }),
  );

  await until(() => server.connections.size === 0 && tunnels.size === 0, 'the end of every client connection');
  await until(() => pool.size === pool.idleCount && pool.waitingCount === 0, 'the end of every call');
  t.is(closes, server.handled.length, 'each response is closed once');
  t.true(server.handled.length > OPENS / 2 && server.refused.length > 100);

  // Every slot for an upload is free again: six of eight are sent at once.
  const uploads = Array.from({ length: 6 }, () => send(pool, { method: 'POST', target: '/never', bodyBytes: 9 }));
  t.is(pool.waitingCount, 0);
  for (const { call } of uploads) call.abort();
  pool.close();
  t.is(pool.size, 0);
});
