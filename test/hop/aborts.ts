import { once } from 'node:events';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';

/** Resolves when nexthop has ended or closed this connection to the hop. */
async function closedAtHop(peer: Peer | undefined): Promise<void> {
  await peer?.until(() => peer.ended || peer.closed !== undefined, 'the end of the connection to the hop');
}

test('a client that resets its connection while it waits ends the request at the hop', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  client.reset();

  await closedAtHop(peer);
  const [line] = await edge.accessLines(1);
  t.is(line?.status, '499');
  t.is(line?.fault, 'client_left');
});

test('a client that half-closes its connection while it waits gets its response', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.end('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  peer?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nConnection: close\r\n[\s\S]*ok$/);
  const [line] = await edge.accessLines(1);
  t.is(line?.fault, '');
});

test('a client that closes its connection while it waits has left when its response cannot be written', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  client.socket.destroy();
  await once(client.socket, 'close');
  peer?.write('HTTP/1.1 200 OK\r\n\r\n');
  const more = setInterval(() => peer?.write('more'), 10);
  t.teardown(() => clearInterval(more));

  await closedAtHop(peer);
  const [line] = await edge.accessLines(1);
  t.is(line?.fault, 'client_left');
});

for (const [leaving, leave] of [
  ['resets its connection', (client: Peer) => client.reset()],
  ['closes its connection', (client: Peer) => void client.socket.destroy()],
  ['half-closes its connection', (client: Peer) => client.end()],
] as const) {
  test(`a client that ${leaving} in the middle of an event stream ends it at the hop`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();
    client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readUntil('data: 1');

    leave(client);

    await closedAtHop(hop.peers[0]);
    const [line] = await edge.accessLines(1);
    t.is(line?.fault, 'client_left');
  });

  test(`a client that ${leaving} in the middle of its upload leaves an incomplete request at the hop`, async (t) => {
    const hop = await scriptedHop(t, () => undefined);
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();
    client.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    const [peer] = await hop.connections(1);
    await peer?.readUntil('hello');

    leave(client);

    await closedAtHop(peer);
    t.false(
      peer?.received.endsWith('0\r\n\r\n'),
      'with a last chunk, the incomplete body would look complete to the hop',
    );
  });
}

test('a queued request whose client leaves is never sent to the hop', async (t) => {
  const release = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      await release.promise;
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '1' } });
  const first = await edge.connect();
  first.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);
  const second = await edge.connect();
  second.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  second.reset();
  await edge.accessLines(1);

  release.resolve();
  await first.readUntil('ok');
  const third = await edge.exchange('GET /third HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.true(third.endsWith('ok'));
  t.false(hop.peers.some((peer) => peer.received.includes('/second')));
});

test('a client that leaves while the connection to the hop is opened leaves no open request at the hop', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  client.reset();
  await edge.accessLines(1).catch(() => undefined);

  await edge.close();
  t.false(hop.peers.some((peer) => peer.received !== '' && !peer.ended && peer.closed === undefined));
});
