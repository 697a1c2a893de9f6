import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { handshake, serveTunnels, switching, type TunnelServer } from '../helpers/tunnel-server.ts';
import { until } from '../helpers/until.ts';

interface OpenTunnel {
  readonly edge: TunnelServer;
  readonly client: Peer;
  readonly hop: Peer;
}

/** Opens a tunnel up to its 101. Returns both of its ends. */
async function openTunnel(t: ExecutionContext): Promise<OpenTunnel> {
  const listener = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await serveTunnels(t, listener.port);
  const client = await edge.sendHandshake();
  await client.readHead();
  const [hop] = await listener.connections(1);
  if (!hop) throw new Error('the hop received no handshake');
  return { edge, client, hop };
}

/**
 * Lets the hop send until a few bytes for the client, which reads nothing, wait in nexthop: too few
 * to stop reading from the hop. Resolves with the number of sent bytes.
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
    await until(() => socket.bytesWritten === before + sent, 'the bytes to be written to the client');
  }
  return sent;
}

const WAYS_TO_LEAVE: readonly [string, (client: Peer) => void][] = [
  ['ends', (client) => client.end()],
  ['resets', (client) => client.reset()],
];

for (const [leaves, leave] of WAYS_TO_LEAVE) {
  test(`a client that ${leaves} before the 101 ends the connection to the hop, too`, async (t) => {
    const hop = await scriptedHop(t, () => {});
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.sendHandshake();
    const [peer] = await hop.connections(1);
    await peer?.readHead();

    leave(client);

    await peer?.readToEnd();
    await edge.settled(1);
    t.is(edge.tunnels.size, 0);
    t.deepEqual(edge.faults, []);
  });

  test(`a client that ${leaves} before the 101 is detected although its early bytes are not read yet`, async (t) => {
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

  test.serial(`a client that ${leaves} while the connection to the hop is opened leaves no socket open`, async (t) => {
    const edge = await serveTunnels(t, await silentPort(t));
    const before = openSockets();
    const client = await edge.sendHandshake();
    await until(() => openSockets() === before + 3, 'the connection to the hop');

    leave(client);

    await edge.settled(1);
    client.socket.destroy();
    await until(() => openSockets() === before, 'every socket to be closed');
    t.deepEqual(edge.faults, []);
  });
}

test('a client that resets an open tunnel ends the connection to the hop, too', async (t) => {
  const { edge, client, hop } = await openTunnel(t);

  client.reset();

  await hop.readToEnd();
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test('a hop that resets an open tunnel ends the connection to the client, too', async (t) => {
  const { edge, client, hop } = await openTunnel(t);

  hop.reset();

  await client.readToEnd();
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test('a tunnel that both sides end in order lets a slow client read everything first', async (t) => {
  const { edge, client, hop } = await openTunnel(t);
  const bytes = 'x'.repeat(8 * 1024 * 1024);
  client.end();
  await hop.until(() => hop.ended);
  client.socket.pause();

  hop.end(bytes);
  await until(() => (edge.exchanges[0]?.socket.writableLength ?? 0) > 0, 'bytes to wait for the client');
  const buffered = edge.exchanges[0]?.socket.writableLength ?? 0;
  client.socket.resume();

  t.is((await client.readToEnd()).length, bytes.length);
  t.true(buffered < 1024 * 1024, 'nexthop does not read ahead what the client does not read');
});

test('a tunnel that both sides end in order lets a slow hop read everything first', async (t) => {
  const { client, hop, edge } = await openTunnel(t);
  const bytes = 'x'.repeat(8 * 1024 * 1024);
  hop.end();
  await client.until(() => client.ended);
  hop.socket.pause();
  const before = hop.received.length;

  client.end(bytes);
  await until(() => client.socket.bytesWritten > 1024 * 1024, 'the client to send');
  hop.socket.resume();
  await hop.until(() => hop.ended);

  t.is(hop.received.length - before, bytes.length);
  await edge.settled(1);
});

test('a client that left before its tunnel is opened causes no request to the hop', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.sendHandshake();
  const [peer] = await hop.connections(1);
  await peer?.readHead();
  client.reset();
  await edge.settled(1);
  const [exchange] = edge.exchanges;

  await edge.tunnels.open(exchange as Exchange); // the one of the client

  t.is(edge.tunnels.size, 0);
  t.is(hop.peers.length, 1);
});

test('bytes that nexthop read from a hop are sent to the client also after the hop closed', async (t) => {
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

test('a tunnel whose hop resets is over although its client reads nothing', async (t) => {
  const tunnel = await openTunnel(t);
  await fillUp(tunnel);

  tunnel.hop.reset();

  await tunnel.edge.settled(1);
  t.is(tunnel.edge.tunnels.size, 0);
});

test.serial('a thousand idle tunnels leave no socket open when they are closed', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await serveTunnels(t, hop.port);
  const before = openSockets();
  const clients: Peer[] = [];
  for (let batch = 0; batch < 20; batch++) {
    const some = await Promise.all(Array.from({ length: 50 }, () => edge.sendHandshake()));
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

/** The number of open TCP sockets in this process. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
