import type { Socket } from 'node:net';
import test from 'ava';
import { CHUNKED } from '../../src/wire/message-head.ts';
import { originPool, send } from '../helpers/origin-pool.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { until } from '../helpers/until.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n';

/** One response to a GET, with the end of the connection as its end, and whether the connection was kept. */
const RESPONSES: readonly (readonly [title: string, bytes: string, events: string, isKept: boolean])[] = [
  ['with a length', `${HEAD}Content-Length: 2\r\n\r\nok`, '200 ok end', true],
  [
    'in chunks with trailers',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n`,
    '200 ok end A b',
    true,
  ],
  ['that closes', `${HEAD}Connection: close\r\nContent-Length: 2\r\n\r\nok`, '200 ok end', false],
  ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', '200 ok end', false],
  [
    'of HTTP/1.0 that keeps',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    '200 ok end',
    true,
  ],
  ['with garbage behind it', `${HEAD}Content-Length: 2\r\n\r\nokgarbage`, '200 ok end', false],
  [
    'with a second one after it',
    `${HEAD}Content-Length: 2\r\n\r\nok${HEAD}Content-Length: 2\r\n\r\nno`,
    '200 ok end',
    false,
  ],
  ['204 with content', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok', '204 end', false],
  ['304 with a length alone', 'HTTP/1.1 304 No\r\nContent-Length: 2\r\n\r\n', '304 end', true],
  [
    'behind interim ones',
    `HTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 100 C\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`,
    '103 200 end',
    true,
  ],
  [
    '101 without an upgrade in the request',
    'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    'hop_bad_answer',
    false,
  ],
  ['behind 17 interim ones', 'HTTP/1.1 100 C\r\n\r\n'.repeat(17), 'hop_bad_answer', false],
  ['of HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n', 'hop_bad_answer', false],
  ['of RTSP', 'RTSP/1.0 200 OK\r\n\r\n', 'hop_bad_answer', false],
  ['with status 000', 'HTTP/1.1 000 X\r\n\r\n', 'hop_bad_answer', false],
  ['with both framings', `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`, 'hop_bad_answer', false],
  ['with bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'hop_bad_answer', false],
  [
    'with a chunk size of sixteen F',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n`,
    '200 hop_bad_answer',
    false,
  ],
  [
    'with endless extensions',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(5000)}`,
    '200 hop_bad_answer',
    false,
  ],
  ['with a head that is too long', `${HEAD}A: ${'b'.repeat(5000)}\r\n\r\n`, 'hop_bad_answer', false],
];

for (const [title, bytes, events, isKept] of RESPONSES) {
  test(`a response ${title}: ${events}, ${isKept ? 'and the connection is kept' : 'and the connection is closed'}`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(bytes);
    });
    const pool = originPool(t, hop.port);
    t.is(await send(pool).ended(), events);
    t.is(pool.size, isKept ? 1 : 0);
    t.is(pool.idleCount, isKept ? 1 : 0);
  });
}

test('a response that arrives byte by byte is the same', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    for (const byte of `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`) {
      peer.write(byte);
      await new Promise(setImmediate);
    }
  });
  t.regex(await send(originPool(t, hop.port)).ended(), /^200 o ?k end$/);
});

for (const [title, bytes, ending, events] of [
  ['an orderly end ends a body without length', `${HEAD}\r\nok`, 'end', '200 ok end'],
  ['a reset does not end a body without length', `${HEAD}\r\nok`, 'reset', '200 ok hop_reset'],
  ['an orderly end within a length is a break', `${HEAD}Content-Length: 3\r\n\r\nok`, 'end', '200 ok hop_reset'],
  [
    'an end without a reset inside chunks is a failure',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`,
    'end',
    '200 ok hop_reset',
  ],
  ['an end without a reset inside a head is a failure', `${HEAD}Content`, 'end', 'hop_reset'],
] as const) {
  test(title, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(bytes);
    });
    const pool = originPool(t, hop.port);
    const sent = send(pool);
    await until(() => sent.call.hasResponse, 'the response');
    const [peer] = hop.peers;
    if (ending === 'end') peer?.end();
    else peer?.reset();
    t.is(await sent.ended(), events);
    t.is(pool.size, 0);
  });
}

test('an upload and its response are sent at the same time, and after an early response the connection is closed', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('2\r\nhi\r\n');
    peer.write(`${HEAD}Content-Length: 4\r\n\r\nea`);
    await peer.readUntil('2\r\nho\r\n');
    peer.write('rl');
  });
  const pool = originPool(t, hop.port);
  const sent = send(pool, { method: 'POST', bodyBytes: CHUNKED });
  await until(() => sent.call.address !== '', 'the connection');
  sent.call.write('hi');
  await until(() => sent.events.includes('ea'), 'the first half');
  sent.call.write('ho');
  t.is(await sent.ended(), '200 ea rl end');
  t.is(pool.size, 0);
  t.true(sent.call.write('late'));
  sent.call.end();
});

for (const phase of ['connecting', 'waiting', 'uploading', 'reading'] as const) {
  test(`a call that is aborted while ${phase} closes its connection and gets no more events`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      if (phase === 'reading') peer.write(`${HEAD}Content-Length: 9\r\n\r\nok`);
    });
    const pool = originPool(t, hop.port);
    const sent = send(pool, phase === 'uploading' ? { method: 'POST', bodyBytes: 9 } : {});
    if (phase !== 'connecting') await until(() => (hop.peers[0]?.received ?? '').includes('\r\n\r\n'), 'the request');
    if (phase === 'reading') await until(() => sent.events.includes('ok'), 'the content');
    const before = sent.events.length;
    sent.call.abort();
    sent.call.abort();
    t.is(pool.size, 0);
    if (phase !== 'connecting')
      await hop.peers[0]?.until(() => hop.peers[0]?.closed !== undefined || hop.peers[0]?.ended === true);
    t.is(sent.events.length, before);
  });
}

test('a paused response stops the origin from sending, and is complete after it resumes, also after the end of the origin', async (t) => {
  const length = 64 * 1024 ** 2;
  let sentAll = false;
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`${HEAD}\r\n`);
    peer.socket.end(Buffer.alloc(length), () => {
      sentAll = true;
    });
  });
  const pool = originPool(t, hop.port, { idleTimeoutMs: 100 });
  let received = 0;
  const sent = send(
    pool,
    {},
    {
      data(content) {
        received += content.length;
        if (received === content.length) sent.call.pause();
      },
    },
  );
  await until(() => received > 0, 'the first piece');
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.false(sentAll);
  t.true(received <= 64 * 1024);
  sent.call.resume();
  t.is(await sent.ended(), '200 end');
  t.is(received, length);
});

test('an upload waits while the origin does not read', async (t) => {
  let drained = false;
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.socket.pause();
  });
  const sent = send(
    originPool(t, hop.port),
    { method: 'POST', bodyBytes: 64 * 1024 ** 2 },
    {
      bodyDrained: () => {
        drained = true;
      },
    },
  );
  await until(() => sent.call.address !== '', 'the connection');
  t.false(sent.call.write(Buffer.alloc(32 * 1024 ** 2)));
  t.false(drained);
  await until(() => hop.peers[0]?.socket.isPaused() === true, 'the origin to stop');
  hop.peers[0]?.socket.resume();
  await until(() => drained, 'the drain');
});

for (const [title, request, answer, events] of [
  ['no response in time', {}, '', 'hop_timeout'],
  ['a response that stops', {}, `${HEAD}Content-Length: 9\r\n\r\nok`, '200 ok hop_timeout'],
] as const) {
  test(`${title} is a timeout of the origin`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(answer);
    });
    const pool = originPool(t, hop.port, { firstByteTimeoutMs: 200, idleTimeoutMs: 200 });
    t.is(await send(pool, request).ended(), events);
    t.is(pool.size, 0);
  });
}

test('an event stream may be silent, and an upload that its client delays causes no timeout of the origin', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    if (head.startsWith('GET')) peer.write(`${HEAD}\r\ndata`);
  });
  const pool = originPool(t, hop.port, { firstByteTimeoutMs: 100, idleTimeoutMs: 100 });
  const stream = send(
    pool,
    {},
    {
      head: () => {
        stream.call.mayBeSilent = true;
      },
    },
  );
  const upload = send(pool, { method: 'POST', bodyBytes: 9 });
  await until(() => stream.events.includes('data'), 'the stream');
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.deepEqual([...stream.events, ...upload.events], ['data']);
});

test('a call that waits too long for a connection is refused', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const pool = originPool(t, hop.port, { connections: 1, firstByteTimeoutMs: 300 });
  const upload = send(pool, { method: 'POST', bodyBytes: 9 });
  const waiting = send(pool);
  t.is(await waiting.ended(), 'hop_busy');
  t.is(pool.waitingCount, 0);
  t.deepEqual(upload.events, []);
});

test('an upgrade passes the socket on with the bytes received after the head; a refusal is a response', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(
      index === 0 ? 'HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nearly' : 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno',
    );
    if (index === 0) peer.write(await peer.readUntil('!'));
  });
  const pool = originPool(t, hop.port);
  let taken: { readonly socket: Socket; readonly early: string } | undefined;
  send(
    pool,
    { upgrade: 'x' },
    {
      upgraded: (_head, socket, early) => {
        taken = { socket, early: early.toString() };
      },
    },
  );
  await until(() => taken !== undefined, 'the upgrade');
  t.is(pool.size, 0);
  let received = taken?.early ?? '';
  taken?.socket.on('data', (chunk: Buffer) => {
    received += chunk;
  });
  taken?.socket.resume();
  taken?.socket.write('echo!');
  await until(() => received === 'earlyecho!', 'the echo');
  taken?.socket.destroy();
  t.is(await send(pool, { upgrade: 'x' }).ended(), '403 no end');
  t.is(pool.idleCount, 1);
});

test('a request that cannot be written throws to its sender, and no connection is lost', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const pool = originPool(t, hop.port);
  t.throws(() => send(pool, { headers: ['A', 'b\r\nC: d'] }), { instanceOf: TypeError });
  t.is(pool.size, 0);
});
