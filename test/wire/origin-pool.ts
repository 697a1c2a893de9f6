import test from 'ava';
import { CHUNKED } from '../../src/wire/message-head.ts';
import { originPool, send } from '../helpers/origin-pool.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { until } from '../helpers/until.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers each request without a body in the same way. */
async function answerAll(peer: Peer, answer = OK): Promise<void> {
  for (;;) {
    await peer.readHead();
    peer.write(answer);
  }
}

test('successive calls use one connection', async (t) => {
  const hop = await scriptedHop(t, (peer) => answerAll(peer));
  const pool = originPool(t, hop.port);
  for (let round = 0; round < 3; round++) {
    const sent = send(pool);
    t.is(await sent.ended(), '200 ok end');
    t.is(sent.call.address, `127.0.0.1:${hop.port}`);
  }
  t.is(hop.peers.length, 1);
  t.regex(hop.peers[0]?.received ?? '', /^GET \/ HTTP\/1\.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET/);
});

test('the connection that was used last is used first', async (t) => {
  const hop = await scriptedHop(t, (peer, index) => answerAll(peer, OK.replace('ok', `${index}!`)));
  const pool = originPool(t, hop.port);
  await Promise.all([send(pool).ended(), send(pool).ended()]);
  const last = await send(pool).ended();
  for (let round = 0; round < 5; round++) t.is(await send(pool).ended(), last);
});

test('calls wait in order when all connections are in use, and are refused when the queue is full', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const pool = originPool(t, hop.port, { connections: 1, queue: 2 });
  const sent = ['/1', '/2', '/3'].map((target) => send(pool, { target }));
  t.throws(() => send(pool), { name: 'Fault', message: /wait for a connection/ });
  const [peer] = await hop.connections(1);
  for (const [index, call] of sent.entries()) {
    t.regex((await peer?.readHead()) ?? '', new RegExp(`^GET /${index + 1} `));
    peer?.write(OK);
    t.is(await call.ended(), '200 ok end');
  }
  t.is(hop.peers.length, 1);
});

test('an aborted call is removed from the queue at once', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const pool = originPool(t, hop.port, { connections: 1, queue: 1 });
  const running = send(pool);
  const waiting = send(pool);
  waiting.call.abort();
  waiting.call.abort();
  t.is(pool.waitingCount, 0);
  const next = send(pool);
  const [peer] = await hop.connections(1);
  await peer?.readHead();
  peer?.write(OK);
  t.is(await running.ended(), '200 ok end');
  await peer?.readHead();
  peer?.write(OK);
  t.is(await next.ended(), '200 ok end');
  t.deepEqual(waiting.events, []);
});

test('uploads that do not progress leave a share of the connections for other requests', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    if (head.startsWith('GET')) await answerAll(peer, '');
  });
  const pool = originPool(t, hop.port, { connections: 4 });
  const uploads = Array.from({ length: 10 }, () => send(pool, { method: 'POST', bodyBytes: CHUNKED }));
  await hop.connections(3);
  const get = send(pool);
  const peers = await hop.connections(4);
  t.is(pool.size, 4);
  t.is(pool.waitingCount, 7);
  peers[3]?.write(OK);
  t.is(await get.ended(), '200 ok end');
  // A request with a complete body does not count as an upload.
  uploads[0]?.call.end('x');
  await until(() => pool.waitingCount === 6, 'the next upload');
  for (const { call } of uploads) call.abort();
  await until(() => pool.waitingCount === 0 && pool.size === 0, 'the end of all');
});

test('a pool of one connection keeps no share: an upload can still use it', async (t) => {
  const hop = await scriptedHop(t, (peer) => answerAll(peer));
  const pool = originPool(t, hop.port, { connections: 1 });
  t.is(await send(pool, { method: 'POST', bodyBytes: 2 }, { body: 'hi' }).ended(), '200 ok end');
});

test('a call on a stale idle connection is sent again on a new one, however many are stale', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(OK);
    if (index >= 8) return answerAll(peer);
    await peer.readHead();
    peer.reset();
  });
  const pool = originPool(t, hop.port);
  await Promise.all(Array.from({ length: 8 }, () => send(pool).ended()));
  t.is(pool.idleCount, 8);
  const results = await Promise.all(Array.from({ length: 8 }, () => send(pool).ended()));
  t.deepEqual(results, Array(8).fill('200 ok end'));
  t.is(pool.size, 8);
});

for (const [title, request] of [
  ['of a method that is not idempotent', { method: 'POST' }],
  ['with a body', { method: 'PUT', bodyBytes: 2 }],
] as const) {
  test(`a request ${title} is not sent a second time`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(OK);
      await peer.readHead();
      peer.reset();
    });
    const pool = originPool(t, hop.port);
    await send(pool).ended();
    t.is(await send(pool, request, { body: 'hi' }).ended(), 'hop_reset');
    t.is(hop.peers.length, 1);
  });
}

test('a request is not sent again after a byte of a response, nor after a failure of a new connection, and never more than twice', async (t) => {
  const begun = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(OK);
    await peer.readHead();
    peer.write('H');
    await until(() => index === 0, 'the first connection');
    peer.end();
  });
  const pool = originPool(t, begun.port);
  await send(pool).ended();
  t.is(await send(pool).ended(), 'hop_reset');
  t.is(begun.peers.length, 1);

  const closing = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end();
  });
  t.is(await send(originPool(t, closing.port)).ended(), 'hop_reset');
  t.is(closing.peers.length, 1);
});

test('a refused connection is tried once more, and then the origin is unreachable', async (t) => {
  const sent = send(originPool(t, await refusingPort(t)), { method: 'POST', bodyBytes: 2 }, { body: 'hi' });
  t.is(await sent.ended(), 'hop_unreachable');
  t.true(sent.call.hasRetried);
});

test('idle connections that the origin closes, resets or writes to are removed', async (t) => {
  const hop = await scriptedHop(t, (peer) => answerAll(peer));
  const pool = originPool(t, hop.port);
  for (const spoil of [
    (peer?: Peer) => peer?.end(),
    (peer?: Peer) => peer?.reset(),
    (peer?: Peer) => peer?.write(OK),
  ]) {
    t.is(await send(pool).ended(), '200 ok end');
    spoil(hop.peers.at(-1));
    await until(() => pool.size === 0, 'the end of the idle connection');
  }
});

test('an idle connection is kept at most as long as the setting and the origin allow', async (t) => {
  const hop = await scriptedHop(t, (peer) => answerAll(peer));
  const short = originPool(t, hop.port, { keepAliveMs: 100 });
  await send(short).ended();
  await until(() => short.size === 0, 'the end of the idle connection');
  const closing = await scriptedHop(t, (peer) =>
    answerAll(peer, OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1\r\n\r\n')),
  );
  const pool = originPool(t, closing.port);
  await send(pool).ended();
  t.is(pool.idleCount, 0);
});

test('after a change of address no existing connection is used again', async (t) => {
  const hop = await scriptedHop(t, (peer, index) => (index === 1 ? undefined : answerAll(peer)));
  const pool = originPool(t, hop.port);
  await send(pool).ended();
  t.is(pool.idleCount, 1);
  pool.renew();
  t.is(pool.size, 0);
  const running = send(pool);
  const peers = await hop.connections(2);
  await peers[1]?.readHead();
  pool.renew();
  peers[1]?.write(OK);
  t.is(await running.ended(), '200 ok end');
  t.is(pool.size, 0);
});

test('a pool that is closed ends running and waiting calls, and refuses new ones', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const pool = originPool(t, hop.port, { connections: 1 });
  const calls = [send(pool), send(pool), send(pool, { method: 'POST', bodyBytes: CHUNKED })];
  await hop.connections(1);
  pool.close();
  t.deepEqual(await Promise.all(calls.map((call) => call.ended())), ['draining', 'draining', 'draining']);
  t.is(pool.size, 0);
  t.throws(() => send(pool));
});
