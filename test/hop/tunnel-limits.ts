import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { UpgradeSlots } from '../../src/http/upgrade-slots.ts';
import { deafPort } from '../helpers/deaf-port.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { serveTunnels, switching } from '../helpers/tunnel-server.ts';

async function agree(hop: Peer): Promise<void> {
  await hop.readHead();
  hop.write(switching());
}

test('a hop that does not accept the connection in time is hop_timeout', async (t) => {
  const edge = await serveTunnels(t, await deafPort(t), { connectTimeoutMs: 50 });
  const client = await edge.ask();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 504 [\s\S]*hop_timeout$/);
  t.is(edge.faults[0]?.message, 'the connection to the hop was not established in time');
});

test('a hop that does not answer in time is hop_timeout, and its connection is closed', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port, { firstByteTimeoutMs: 50 });
  const client = await edge.ask();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 504 [\s\S]*hop_timeout$/);
  t.is(edge.faults[0]?.message, 'the hop did not answer the upgrade in time');
  t.is(edge.exchanges[0]?.socket.listenerCount('data'), 0, 'nothing more is kept of what the client sends');
  await hop.peers[0]?.readToEnd();
});

test('bytes that a waiting client sends do not extend the timeout', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port, { firstByteTimeoutMs: 100 });
  const client = await edge.ask();

  const chatter = setInterval(() => client.write('still there?'), 10);
  t.teardown(() => clearInterval(chatter));

  t.regex(await client.readToEnd(), /hop_timeout$/);
});

test('a port without a listener is hop_unreachable', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const edge = await serveTunnels(t, port);

  const client = await edge.ask();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 502 [\s\S]*hop_unreachable$/);
});

for (const [how, leave] of [
  ['ends', (hop: Peer) => hop.end()],
  ['resets', (hop: Peer) => hop.reset()],
] as const) {
  test(`a hop that ${how} before its answer is hop_reset`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      leave(peer);
    });
    const edge = await serveTunnels(t, hop.port);

    const client = await edge.ask();

    t.regex(await client.readToEnd(), /^HTTP\/1\.1 502 [\s\S]*hop_reset$/);
  });
}

test('a refusal that stops in the middle is cut', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nsome');
  });
  const edge = await serveTunnels(t, hop.port, { firstByteTimeoutMs: 50 });
  const client = await edge.ask();

  t.regex(await client.readToEnd(), /\r\n\r\nsome$/);
  await edge.settled(1);
});

test('a tunnel without traffic is closed on both sides', async (t) => {
  const hop = await scriptedHop(t, agree);
  const edge = await serveTunnels(t, hop.port, { idleTimeoutMs: 100 });
  const client = await edge.ask();
  await client.readHead();

  await client.readToEnd();
  await hop.peers[0]?.readToEnd();

  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

for (const talker of ['client', 'hop'] as const) {
  test(`a tunnel in which only the ${talker} talks stays open`, async (t) => {
    const hop = await scriptedHop(t, agree);
    const edge = await serveTunnels(t, hop.port, { idleTimeoutMs: 100 });
    const client = await edge.ask();
    await client.readHead();
    const [talks, hears] = talker === 'client' ? [client, hop.peers[0]] : [hop.peers[0], client];

    const talk = setInterval(() => talks?.write('.'), 20);
    t.teardown(() => clearInterval(talk));

    t.is(await hears?.readBytes(20), '.'.repeat(20));
  });
}

test('a tunnel above the limit is hop_busy with Retry-After until another one is over', async (t) => {
  const hop = await scriptedHop(t, agree);
  const edge = await serveTunnels(t, hop.port, { slots: new UpgradeSlots(1) });
  const first = await edge.ask();
  await first.readHead();

  const second = await edge.ask();
  t.regex(await second.readToEnd(), /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+\r\n[\s\S]*hop_busy$/);
  first.end();
  hop.peers[0]?.end();
  await edge.settled(2);
  const third = await edge.ask();

  t.regex(await third.readHead(), /^HTTP\/1\.1 101 /);
});

test('a client that resets while it receives an error response does no harm', async (t) => {
  const edge = await serveTunnels(t, 9, { slots: new UpgradeSlots(0) });
  const client = await edge.ask();

  client.reset();

  await edge.settled(1);
  t.is(edge.faults[0]?.code, 'hop_busy');
});

test('a fault found in the request is answered unchanged', async (t) => {
  const edge = await serveTunnels(t, 9, {
    requestHeaders: () => {
      throw new Fault('loop_detected');
    },
  });

  const client = await edge.ask();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 508 [\s\S]*loop_detected$/);
  t.is(edge.tunnels.size, 0);
});

test('headers that cannot be sent are a fault, not a crash', async (t) => {
  const edge = await serveTunnels(t, 9, { requestHeaders: () => ['A', 'line\nbreak'] });

  const client = await edge.ask();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 500 [\s\S]*internal$/);
  t.is(edge.tunnels.size, 0);
});

test('a drain ends every tunnel on both sides', async (t) => {
  const hop = await scriptedHop(t, agree);
  const edge = await serveTunnels(t, hop.port);
  const clients = await Promise.all([edge.ask(), edge.ask()]);
  await Promise.all(clients.map((client) => client.readHead()));

  const closed = edge.tunnels.close(60_000);
  const ends = [...clients, ...hop.peers];
  t.deepEqual(await Promise.all(ends.map((end) => end.readToEnd())), ['', '', '', '']);
  for (const end of ends) end.end();

  await closed;
  t.is(edge.tunnels.size, 0);
});

for (const [who, which] of [
  ['client', 0],
  ['hop', 1],
] as const) {
  test(`a drained tunnel is over as soon as the ${who} ends too, whatever it still said`, async (t) => {
    const hop = await scriptedHop(t, agree);
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.ask();
    await client.readHead();
    const ender = [client, ...hop.peers][which];

    const closed = edge.tunnels.close(60_000);
    await ender?.readToEnd();
    ender?.end('what nobody hears any more');

    await t.notThrowsAsync(closed);
  });
}

test('a drain destroys what does not end in time, though both sides go on talking, and not before', async (t) => {
  const hop = await scriptedHop(t, agree);
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.ask();
  await client.readHead();
  const talk = setInterval(() => {
    for (const end of [client, ...hop.peers]) end.write('and another thing');
  }, 10);
  t.teardown(() => clearInterval(talk));
  const startedAt = performance.now();

  await edge.tunnels.close(100);

  t.true(performance.now() - startedAt > 90);
  t.is(edge.tunnels.size, 0);
  await client.until(() => client.closed !== undefined);
});

test('a drain refuses a handshake that is not answered yet, and all later ones', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port);
  const early = await edge.ask();
  await (await hop.connections(1))[0]?.readHead();

  await edge.tunnels.close(60_000);
  const late = await edge.ask();

  t.regex(await early.readToEnd(), /^HTTP\/1\.1 503 [\s\S]*draining$/);
  t.regex(await late.readToEnd(), /^HTTP\/1\.1 503 [\s\S]*draining$/);
  t.is(hop.peers.length, 1);
});
