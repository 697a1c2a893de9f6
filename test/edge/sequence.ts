import { createHook } from 'node:async_hooks';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Random } from '../helpers/differential/random.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { frame } from '../helpers/web-socket-frame.ts';

const OPENS = 5000;
const AT_A_TIME = 40;
const TUNNELS = 12;
const LARGE = 300_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

/** What the hop does with a request, by the first segment of its target. */
const HOP: Readonly<Record<string, (socket: Socket) => void>> = {
  ok: (socket) => socket.write(OK),
  chunked: (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n'),
  large: (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n${'x'.repeat(LARGE)}`),
  close: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
  hints: (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`),
  surplus: (socket) => socket.write(`${OK}surplus`),
  empty: (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  refuse: (socket) => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno'),
  switch: (socket) => socket.write(`${SWITCH}early`),
  events: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n');
    // It may be silent for as long as it likes.
    setTimeout(() => socket.end(), 500);
  },
  garbage: (socket) => socket.write('garbage\r\n\r\n'),
  half: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
  stop: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
  reset: (socket) => socket.resetAndDestroy(),
  never: () => undefined,
};

const SITE = {
  'cloud-functions/fn/hello.js': 'export const onRequest = () => new Response("hello");',
  'cloud-functions/fn/body.js':
    'export const onRequest = async ({ request }) => new Response(String((await request.arrayBuffer()).byteLength));',
  'cloud-functions/fn/pipe.js': 'export const onRequest = ({ request }) => new Response(request.body);',
  'cloud-functions/fn/never.js': 'export const onRequest = () => new Promise(() => {});',
  'cloud-functions/fn/fails.js': 'export const onRequest = () => { throw new Error("expected"); };',
  'cloud-functions/fn/stream.js': `export const onRequest = () => {
      let left = 20;
      return new Response(new ReadableStream({
        async pull(controller) {
          await new Promise(setImmediate);
          if (left-- > 0) controller.enqueue(new Uint8Array(20_000));
          else controller.close();
        },
      }));
    };`,
  'cloud-functions/fn/socket.js': `export const onRequest = () => ({
      websocket: { onmessage: (ws, data, isBinary) => ws.send(data, { binary: isBinary }) },
    });`,
  'cloud-functions/app/[[default]].js': `const app = (request, response) => {
      if (request.url.endsWith('/pipe')) request.pipe(response);
      else if (request.url.endsWith('/never')) return;
      else if (request.url.endsWith('/destroy')) response.destroy();
      else if (request.url.endsWith('/half')) response.write('half', () => response.destroy());
      else if (request.url.endsWith('/large')) response.end(Buffer.alloc(${LARGE}));
      else response.end('app');
    };
    export default Object.assign(app, { use() {}, handle() {} });`,
  'public/file.txt': 'x'.repeat(100_000),
};

const GOOD = ['ok', 'ok', 'chunked', 'large', 'hints', 'surplus', 'close', 'empty', 'fn/hello', 'fn/stream', 'app/x'];
const BAD = [
  ...Object.keys(HOP),
  ...['fn/never', 'fn/fails', 'fn/pipe', 'fn/body', 'fn/none'],
  ...['app/never', 'app/destroy', 'app/half', 'app/large', 'app/pipe', 'file.txt'],
];
const READERS = ['ok', 'never', 'refuse', 'reset', 'fn/body', 'fn/pipe', 'fn/hello', 'app/pipe', 'app/x', 'file.txt'];
const SOCKETS = [
  'fn/socket',
  'fn/socket',
  'switch',
  'switch',
  'refuse',
  'never',
  'reset',
  'fn/fails',
  'app/x',
  'large',
];

function get(target: string, lines = ''): string {
  return `GET /${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
}

function post(target: string, lines: string, body: string): string {
  return `POST /${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
}

const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** What one client sends. */
function makeBytes(random: Random): string {
  const target = random.mostly(random.pick(GOOD), BAD, 3);
  const reader = random.pick(READERS);
  switch (random.below(13)) {
    case 0:
      return get(target).repeat(1 + random.below(8));
    case 1:
      return get(target).slice(0, random.below(30));
    case 2:
      return get(target) + random.pick(['\0\0\0\0', 'garbage\n', 'GET / HTTP/1.1\r\n\r\n']) + get('ok');
    case 3:
      return post(reader, 'Content-Length: 5\r\n', random.mostly('hello', ['he', '', 'hello, hello'], 4));
    case 4:
      return post(
        reader,
        'Transfer-Encoding: chunked\r\n',
        `5\r\nhello\r\n${random.mostly('0\r\n\r\n', ['', 'g\r\n', 'F'.repeat(16)], 4)}`,
      );
    case 5:
      return post(reader, 'Expect: 100-continue\r\nContent-Length: 5\r\n', random.pick(['', 'hello']));
    case 6:
      return post(reader, 'Content-Length: 200000\r\n', 'x'.repeat(random.mostly(200_000, [10, 70_000], 4)));
    case 7:
      return get(target).replace('1.1', '1.0');
    case 8:
      return get(target).replace('GET', random.pick(['HEAD', 'OPTIONS', 'QUERY', 'TRACE']));
    case 9:
    case 10:
      return (
        get(random.pick(SOCKETS), HANDSHAKE) +
        random.pick(['', 'early', frame({ kind: 'text', payload: 'hi' }), frame({ kind: 'close' }), get('ok')])
      );
    default:
      return get(target);
  }
}

/** Plays one client to its end; resolves when its socket is closed. */
async function play(random: Random, port: number): Promise<void> {
  const bytes = makeBytes(random);
  const leaves = random.pick(['ends', 'ends', 'ends', 'resets', 'stays'] as const);
  const turns = random.below(20);
  const cutAt = random.oneIn(4) ? random.below(bytes.length + 1) : bytes.length;
  const reads = !random.oneIn(10);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined).on('end', () => socket.end());
  // A WebSocket whose server closes it: a client that does not reply is waited for.
  socket.on('data', (chunk) => chunk.includes(0x88) && socket.end());
  if (!reads) socket.pause();
  const closed = once(socket, 'close').catch(() => undefined);
  await once(socket, 'connect');
  socket.write(bytes.slice(0, cutAt), 'latin1');
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  if (cutAt < bytes.length) socket.write(bytes.slice(cutAt), 'latin1');
  if (leaves === 'ends') socket.end();
  else if (leaves === 'resets') socket.resetAndDestroy();
  // One that stays is cut off before it reads.
  if (!reads) setTimeout(() => socket.resume(), leaves === 'stays' ? 1500 : 0);
  await closed;
}

async function startHop(t: ExecutionContext): Promise<string> {
  const server = createServer((socket) => {
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received = received.slice(-400) + chunk.toString('latin1');
      // A request without a body is answered at its end; one with a body early, at its head or within it.
      const [, target = ''] = /^[A-Z]+ \/([\w/]+) .*?\r\n\r\n/ms.exec(received) ?? [];
      if (target === '') return;
      received = '';
      (HOP[target] ?? HOP.ok)?.(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has one
}

/** Timers and connections of the process that exist now, those included that do not keep it running: type by id. */
function watchResources(t: ExecutionContext): ReadonlyMap<number, string> {
  const alive = new Map<number, string>();
  const hook = createHook({
    init(id, type) {
      if (type === 'Timeout' || type === 'TCPWRAP') alive.set(id, type);
    },
    destroy: (id) => void alive.delete(id),
  }).enable();
  t.teardown(() => hook.disable());
  return alive;
}

/** Resolves with what is still there after a while. */
async function whenNone(alive: ReadonlyMap<number, string>): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    // Node reports the end of a resource in a later turn, that of this timer included.
    await delay(50);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    if (alive.size === 0 || performance.now() > deadline) return [...alive.values()];
  }
}

/** Opens as many WebSockets as there are slots, each through `target`. */
async function fillSlots(edge: RunningEdge, target: string): Promise<string[]> {
  const peers = await Promise.all(Array.from({ length: TUNNELS }, () => edge.connect()));
  for (const peer of peers) peer.write(get(target, HANDSHAKE));
  const heads = await Promise.all(peers.map((peer) => peer.readHead()));
  for (const peer of peers) peer.reset();
  return heads.map((head) => head.slice(0, 12));
}

test('thousands of requests, aborts, refusals, upgrades and timeouts leave nothing in a whole nexthop', async (t) => {
  t.timeout(600_000);
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const short = '400ms';
  const edge = await startEdge(t, {
    site: await siteFolder(t, SITE),
    env: {
      NEXT_HOP: await startHop(t),
      HEADERS_TIMEOUT: short,
      KEEP_ALIVE_TIMEOUT: short,
      CLIENT_IDLE_TIMEOUT: short,
      HOP_FIRST_BYTE_TIMEOUT: short,
      HOP_IDLE_TIMEOUT: short,
      HOP_KEEP_ALIVE: short,
      HOP_CONNECTIONS: '8',
      FUNCTION_TIMEOUT: short,
      TUNNEL_IDLE_TIMEOUT: short,
      MAX_TUNNELS: String(TUNNELS),
    },
  });
  // What is made once, at the first use.
  t.regex(await edge.exchange(get('fn/hello', 'Connection: close\r\n')), /^HTTP\/1\.1 200 /);
  t.deepEqual(new Set(await fillSlots(edge, 'fn/socket')), new Set(['HTTP/1.1 101']));
  const alive = watchResources(t);

  let left = OPENS;
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (left-- > 0) await play(random, edge.port);
    }),
  );

  t.deepEqual(await whenNone(alive), []);
  for (const target of ['switch', 'fn/socket', 'switch']) {
    t.deepEqual(new Set(await fillSlots(edge, target)), new Set(['HTTP/1.1 101']), `each slot is free for ${target}`);
    t.deepEqual(await whenNone(alive), []);
  }
  // Each of the six places for uploads, of eight connections, is free: the hop is connected, or the client would get no 100.
  const uploads = await Promise.all(Array.from({ length: 6 }, () => edge.connect()));
  for (const peer of uploads) peer.write(post('ok', 'Expect: 100-continue\r\nContent-Length: 5\r\n', ''));
  for (const peer of uploads) t.regex(await peer.readHead(), /^HTTP\/1\.1 100 /);
  for (const peer of uploads) peer.reset();
  t.deepEqual(await whenNone(alive), []);
  const ids = (await edge.accessLines(1)).map((line) => line.request_id);
  t.is(new Set(ids).size, ids.length, 'each request has one access line');
});
