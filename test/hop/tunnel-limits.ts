import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import type { RequestHeaders } from '../../src/hop/request-headers.ts';
import { UpgradeSlots } from '../../src/http/upgrade-slots.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { serveTunnels, switching } from '../helpers/tunnel-server.ts';

async function acceptUpgrade(hop: Peer): Promise<void> {
  await hop.readHead();
  hop.write(switching());
}

test('a handshake gets hop_timeout when the hop does not accept the connection in time', async (t) => {
  const port = await silentPort(t);
  const edge = await serveTunnels(t, port, { connectTimeoutMs: 50 });
  const client = await edge.sendHandshake();

  t.regex(await client.readUntil('hop_timeout'), /^HTTP\/1\.1 504 /);
  t.is(edge.faults[0]?.message, `waited too long for a connection of 127.0.0.1:${port}`);
});

test('a handshake gets hop_timeout when the hop does not answer in time, and its connection is closed', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port, { firstByteTimeoutMs: 50 });
  const client = await edge.sendHandshake();

  t.regex(await client.readUntil('hop_timeout'), /^HTTP\/1\.1 504 /);
  t.is(edge.faults[0]?.message, `waited too long for a response of 127.0.0.1:${hop.port}`);
  await hop.peers[0]?.readToEnd();
});

test('bytes that a waiting client sends do not extend the timeout', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port, { firstByteTimeoutMs: 100 });
  const client = await edge.sendHandshake();

  const sends = setInterval(() => client.write('still there?'), 10);
  t.teardown(() => clearInterval(sends));

  t.regex(await client.readUntil('hop_timeout'), /^HTTP\/1\.1 504 /);
});

test('a handshake gets hop_unreachable when the port has no listener', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const edge = await serveTunnels(t, port);

  const client = await edge.sendHandshake();

  t.regex(await client.readUntil('hop_unreachable'), /^HTTP\/1\.1 502 /);
});

for (const [how, leave] of [
  ['ends', (hop: Peer) => hop.end()],
  ['resets', (hop: Peer) => hop.reset()],
] as const) {
  test(`a handshake gets hop_reset when the hop ${how} before its response`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      leave(peer);
    });
    const edge = await serveTunnels(t, hop.port);

    const client = await edge.sendHandshake();

    t.regex(await client.readUntil('hop_reset'), /^HTTP\/1\.1 502 /);
  });
}

test('a refusal that stops in the middle is cut', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nsome');
  });
  const edge = await serveTunnels(t, hop.port, { idleTimeoutMs: 50 });
  const client = await edge.sendHandshake();

  t.regex(await client.readToEnd(), /\r\n\r\nsome$/);
  await edge.settled(1);
});

test('a tunnel without traffic is closed on both sides', async (t) => {
  const hop = await scriptedHop(t, acceptUpgrade);
  const edge = await serveTunnels(t, hop.port, { tunnelIdleTimeoutMs: 100 });
  const client = await edge.sendHandshake();
  await client.readHead();

  await client.readToEnd();
  await hop.peers[0]?.readToEnd();

  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

for (const sending of ['client', 'hop'] as const) {
  test(`a tunnel in which only the ${sending} sends stays open`, async (t) => {
    const hop = await scriptedHop(t, acceptUpgrade);
    const edge = await serveTunnels(t, hop.port, { tunnelIdleTimeoutMs: 100 });
    const client = await edge.sendHandshake();
    await client.readHead();
    const [sender, receiver] = sending === 'client' ? [client, hop.peers[0]] : [hop.peers[0], client];

    const sends = setInterval(() => sender?.write('.'), 20);
    t.teardown(() => clearInterval(sends));

    t.is(await receiver?.readBytes(20), '.'.repeat(20));
  });
}

test('a handshake above the limit gets hop_busy with Retry-After until another tunnel is over', async (t) => {
  const hop = await scriptedHop(t, acceptUpgrade);
  const edge = await serveTunnels(t, hop.port, { slots: new UpgradeSlots(1) });
  const first = await edge.sendHandshake();
  await first.readHead();

  const second = await edge.sendHandshake();
  t.regex(await second.readUntil('hop_busy'), /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+\r\n/);
  first.end();
  hop.peers[0]?.end();
  await edge.settled(2);
  const third = await edge.sendHandshake();

  t.regex(await third.readHead(), /^HTTP\/1\.1 101 /);
});

test('refused handshakes give back their slots, once, and later tunnels still time out', async (t) => {
  let isRefusing = true;
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write(isRefusing ? 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n' : switching());
    }
  });
  const slots = new UpgradeSlots(1);
  const edge = await serveTunnels(t, hop.port, { slots, tunnelIdleTimeoutMs: 100 });
  for (let count = 1; count <= 3; count++) {
    const refused = await edge.sendHandshake();
    t.regex(await refused.readHead(), /^HTTP\/1\.1 401 /);
    await edge.settled(count);
  }
  isRefusing = false;

  const silent = await edge.sendHandshake();
  t.regex(await silent.readHead(), /^HTTP\/1\.1 101 /);
  const tooMany = await edge.sendHandshake();
  t.regex(await tooMany.readHead(), /^HTTP\/1\.1 503 /, 'a slot that was freed twice would let it in');

  t.is(await silent.readToEnd(), '');
  await edge.settled(5);
  t.is(edge.tunnels.size, 0);
});

test('a client that resets while it receives an error response causes no second fault', async (t) => {
  const edge = await serveTunnels(t, 9, { slots: new UpgradeSlots(0) });
  const client = await edge.sendHandshake();

  client.reset();

  await edge.settled(1);
  t.is(edge.faults[0]?.code, 'hop_busy');
});

function makes(toHeadText: () => string): RequestHeaders {
  return { toHeadText } as unknown as RequestHeaders; // all of it that is used
}

test('a Fault that the request headers cause is answered with its own status and code', async (t) => {
  const edge = await serveTunnels(t, 9, {
    requestHeaders: makes(() => {
      throw new Fault('loop_detected');
    }),
  });

  const client = await edge.sendHandshake();

  t.regex(await client.readUntil('loop_detected'), /^HTTP\/1\.1 508 /);
  t.is(edge.tunnels.size, 0);
});

test('a handshake whose head cannot be sent to the hop gets 500', async (t) => {
  const edge = await serveTunnels(t, 9, {
    requestHeaders: makes(() => {
      throw new TypeError('no value of a header');
    }),
  });

  const client = await edge.sendHandshake();

  t.regex(await client.readUntil('internal'), /^HTTP\/1\.1 500 /);
  t.is(edge.tunnels.size, 0);
});

test('a drain ends every tunnel on both sides', async (t) => {
  const hop = await scriptedHop(t, acceptUpgrade);
  const edge = await serveTunnels(t, hop.port);
  const clients = await Promise.all([edge.sendHandshake(), edge.sendHandshake()]);
  await Promise.all(clients.map((client) => client.readHead()));

  const closed = edge.tunnels.close(60_000);
  const ends = [...clients, ...hop.peers];
  t.deepEqual(await Promise.all(ends.map((end) => end.readToEnd())), ['', '', '', '']);
  for (const end of ends) end.end();

  await closed;
  t.is(edge.tunnels.size, 0);
});

for (const [end, which] of [
  ['client', 0],
  ['hop', 1],
] as const) {
  test(`a drained tunnel is over as soon as the ${end} ends, too, with or without last bytes`, async (t) => {
    const hop = await scriptedHop(t, acceptUpgrade);
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.sendHandshake();
    await client.readHead();
    const side = [client, ...hop.peers][which];

    const closed = edge.tunnels.close(60_000);
    await side?.readToEnd();
    side?.end('the last bytes');

    await t.notThrowsAsync(closed);
  });
}

test('a drain destroys tunnels that do not end in time, and not earlier, although both sides still send', async (t) => {
  const hop = await scriptedHop(t, acceptUpgrade);
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.sendHandshake();
  await client.readHead();
  const sends = setInterval(() => {
    for (const end of [client, ...hop.peers]) end.write('more bytes');
  }, 10);
  t.teardown(() => clearInterval(sends));
  const startedAt = performance.now();

  await edge.tunnels.close(100);

  t.true(performance.now() - startedAt > 90);
  t.is(edge.tunnels.size, 0);
  await client.until(() => client.closed !== undefined);
});

test('a drain refuses a handshake that the hop has not answered, and all later ones', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port);
  const early = await edge.sendHandshake();
  await (await hop.connections(1))[0]?.readHead();

  await edge.tunnels.close(60_000);
  const late = await edge.sendHandshake();

  t.regex(await early.readUntil('draining'), /^HTTP\/1\.1 503 /);
  t.regex(await late.readUntil('draining'), /^HTTP\/1\.1 503 /);
  t.is(hop.peers.length, 1);
});
