import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { deafPort } from '../helpers/deaf-port.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { handshake, serveTunnels, switching, type TunnelServer } from '../helpers/tunnel-server.ts';
import { until } from '../helpers/until.ts';

interface OpenTunnel {
  readonly edge: TunnelServer;
  readonly client: Peer;
  readonly hop: Peer;
}

/** A tunnel up to its 101, and both of its ends. */
async function openTunnel(t: ExecutionContext): Promise<OpenTunnel> {
  const listener = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await serveTunnels(t, listener.port);
  const client = await edge.ask();
  await client.readHead();
  const [hop] = await listener.connections(1);
  if (!hop) throw new Error('the hop was not asked');
  return { edge, client, hop };
}

/**
 * Lets the hop send until the client, which reads nothing, is behind by a little: too little to
 * hold the hop up. Resolves with the bytes sent.
 */
async function fillUp({ edge, client, hop }: OpenTunnel): Promise<number> {
  const socket = edge.exchanges[0]?.socket as Socket; // the tunnel's
  const piece = 'x'.repeat(16 * 1024);
  const before = socket.bytesWritten;
  client.socket.pause();
  let sent = 0;
  while (socket.writableLength === 0) {
    hop.write(piece);
    sent += piece.length;
    await until(() => socket.bytesWritten === before + sent, 'the piece to be passed on');
  }
  return sent;
}

const WAYS_TO_LEAVE: readonly [string, (client: Peer) => void][] = [
  ['ends', (client) => client.end()],
  ['resets', (client) => client.reset()],
];

for (const [leaves, leave] of WAYS_TO_LEAVE) {
  test(`a client that ${leaves} before the 101 takes the connection to the hop along`, async (t) => {
    const hop = await scriptedHop(t, () => {});
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.ask();
    const [peer] = await hop.connections(1);
    await peer?.readHead();

    leave(client);

    await peer?.readToEnd();
    await edge.settled(1);
    t.is(edge.tunnels.size, 0);
    t.deepEqual(edge.faults, []);
  });

  test(`a client that ${leaves} before the 101 is noticed although it sent bytes that must not be read yet`, async (t) => {
    const hop = await scriptedHop(t, () => {});
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.connect();
    client.write(`${handshake()}too early`);
    const [peer] = await hop.connections(1);
    await peer?.readHead();

    leave(client);

    await peer?.readToEnd();
    await edge.settled(1);
    t.is(edge.tunnels.size, 0);
  });

  test.serial(`a client that ${leaves} while the hop does not take the connection leaves none behind`, async (t) => {
    const edge = await serveTunnels(t, await deafPort(t));
    const before = openSockets();
    const client = await edge.ask();
    await until(() => openSockets() === before + 3, 'the connection to the hop');

    leave(client);

    await edge.settled(1);
    client.socket.destroy();
    await until(() => openSockets() === before, 'every socket to be closed');
    t.deepEqual(edge.faults, []);
  });
}

test('a client that resets an open tunnel takes the connection to the hop along', async (t) => {
  const { edge, client, hop } = await openTunnel(t);

  client.reset();

  await hop.readToEnd();
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test('a hop that resets an open tunnel takes the connection to the client along', async (t) => {
  const { edge, client, hop } = await openTunnel(t);

  hop.reset();

  await client.readToEnd();
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test('a tunnel that both sides end in order lets a slow client read everything first', async (t) => {
  const { edge, client, hop } = await openTunnel(t);
  const much = 'x'.repeat(8 * 1024 * 1024);
  client.end();
  await hop.until(() => hop.ended);
  client.socket.pause();

  hop.end(much);
  await until(() => (edge.exchanges[0]?.socket.writableLength ?? 0) > 0, 'the client to be behind');
  const held = edge.exchanges[0]?.socket.writableLength ?? 0;
  client.socket.resume();

  t.is((await client.readToEnd()).length, much.length);
  t.true(held < 1024 * 1024, 'what the client does not read is left with the hop');
});

test('a tunnel that both sides end in order lets a slow hop read everything first', async (t) => {
  const { client, hop, edge } = await openTunnel(t);
  const much = 'x'.repeat(8 * 1024 * 1024);
  hop.end();
  await client.until(() => client.ended);
  hop.socket.pause();
  const before = hop.received.length;

  client.end(much);
  await until(() => client.socket.bytesWritten > 1024 * 1024, 'the client to send');
  hop.socket.resume();
  await hop.until(() => hop.ended);

  t.is(hop.received.length - before, much.length);
  await edge.settled(1);
});

test('for a client that has left before its tunnel is opened no request is sent to the hop', async (t) => {
  const { edge, client, hop } = await openTunnel(t);
  client.reset();
  await hop.readToEnd();
  await edge.settled(1);
  const [exchange] = edge.exchanges;

  await edge.tunnels.open(exchange as Exchange, Buffer.alloc(0)); // the one of the tunnel

  t.is(edge.tunnels.size, 0);
  t.is(exchange?.socket.listenerCount('data'), 0);
});

test('bytes that were read from a closed hop are still sent to the client', async (t) => {
  const tunnel = await openTunnel(t);
  const { client, hop } = tunnel;
  client.end();
  await hop.until(() => hop.ended);
  const sent = await fillUp(tunnel);

  hop.end();
  await hop.until(() => hop.closed !== undefined);
  client.socket.resume();

  t.is((await client.readToEnd()).length, sent);
});

test('a hop that resets does not wait for a client that reads nothing', async (t) => {
  const tunnel = await openTunnel(t);
  await fillUp(tunnel);

  tunnel.hop.reset();

  await tunnel.edge.settled(1);
  t.is(tunnel.edge.tunnels.size, 0);
});

test.serial('a thousand idle tunnels open and close and leave nothing behind', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await serveTunnels(t, hop.port);
  const before = openSockets();
  const clients: Peer[] = [];
  for (let batch = 0; batch < 20; batch++) {
    const some = await Promise.all(Array.from({ length: 50 }, () => edge.ask()));
    await Promise.all(some.map((client) => client.readHead()));
    clients.push(...some);
  }
  t.is(edge.tunnels.size, 1000);

  for (const [index, client] of clients.entries()) {
    if (index % 2 === 0) client.end();
    else client.reset();
  }
  for (const peer of hop.peers) peer.end();

  await edge.settled(1000);
  t.is(edge.tunnels.size, 0);
  await until(() => openSockets() === before, 'every socket to be closed');
});

/** Sockets of this process, whoever made them. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
