import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocketServer } from 'ws';
import { scriptedHop } from '../helpers/peer.ts';
import { handshake, serveTunnels, switching } from '../helpers/tunnel-server.ts';
import { until } from '../helpers/until.ts';

/** A WebSocket server that sends each message back. Resolves with its port. */
async function echoServer(t: ExecutionContext): Promise<number> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'echo' });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return (server.address() as AddressInfo).port; // a TCP server has a port
}

test('messages and the close of a WebSocket pass through the tunnel in both directions', async (t) => {
  const edge = await serveTunnels(t, await echoServer(t));
  const client = new WebSocket(`ws://127.0.0.1:${edge.port}/chat`, 'echo');
  await once(client, 'open');

  const long = 'long '.repeat(50_000);
  for (const text of ['short', long]) {
    client.send(text);
    const [message] = await once(client, 'message');
    t.is((message as MessageEvent).data, text);
  }
  t.is(client.protocol, 'echo');
  t.is(edge.tunnels.size, 1);
  client.close(1000, 'enough');
  const [close] = await once(client, 'close');

  t.is((close as CloseEvent).code, 1000);
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test('the handshake keeps its path and the order, case and duplicates of its headers', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.connect();
  const headers = ['HOST: a.example', 'x-Two: 1', 'Cookie: a=1', 'X-two: \xe9', 'cookie: b=2', 'x-Two: 3', 'Accept: x'];

  client.write(
    `GET //a/../%2F//b?c=//d?e HTTP/1.1\r\n${headers.join('\r\n')}\r\nconnection: keep-alive, UPGRADE\r\nUPGRADE: WebSocket\r\n\r\n`,
  );
  const [peer] = await hop.connections(1);

  t.deepEqual((await peer?.readHead())?.split('\r\n'), [
    'GET //a/../%2F//b?c=//d?e HTTP/1.1',
    ...headers,
    'Via: 1.1 nexthop',
    'CDN-Loop: nexthop',
    'X-Request-Id: id-of-this',
    'Upgrade: websocket',
    'Connection: Upgrade',
    '',
    '',
  ]);
});

test('a handshake with Expect is forwarded like any other', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const edge = await serveTunnels(t, hop.port);
  await edge.sendHandshake(['Expect: 100-continue', 'X-Two: 1', 'X-Two: 2']);

  const [peer] = await hop.connections(1);

  t.regex((await peer?.readHead()) ?? '', /\r\nX-Two: 1\r\nX-Two: 2\r\n/);
});

test('the 101 keeps all its headers with duplicates, and has Upgrade once', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(
      switching(
        'Sec-WebSocket-Accept: abc',
        'set-cookie: a',
        'Set-Cookie: b',
        'Set-Cookie: c',
        'Age: 1',
        'Age: 2',
        'Content-Length: 0',
      ),
    );
  });
  const edge = await serveTunnels(t, hop.port);

  const client = await edge.sendHandshake();

  t.deepEqual((await client.readHead()).split('\r\n'), [
    'HTTP/1.1 101 Switching Protocols',
    'Sec-WebSocket-Accept: abc',
    'set-cookie: a',
    'Set-Cookie: b',
    'Set-Cookie: c',
    'Age: 1',
    'Age: 2',
    'x-request-id: id-of-this',
    'Upgrade: websocket',
    'Connection: Upgrade',
    '',
    '',
  ]);
  t.is(edge.exchanges[0]?.response.status, 101);
  t.is(edge.exchanges[0]?.upstreamStatus, '101');
  t.is(edge.exchanges[0]?.upstreamAddress, `127.0.0.1:${hop.port}`);
});

test('early hints are forwarded before the 101', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${switching()}`);
  });
  const edge = await serveTunnels(t, hop.port);

  const client = await edge.sendHandshake();

  t.is(await client.readHead(), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
});

test('bytes in the same packet as the handshake or the 101 arrive in order', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`${switching()}first of the hop, `);
    peer.write('second of the hop');
  });
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.connect();

  client.write(`${handshake()}first of the client, `);
  client.write('second of the client');
  await client.readHead();

  t.is(await client.readBytes(35), 'first of the hop, second of the hop');
  t.is(await hop.peers[0]?.readBytes(41), 'first of the client, second of the client');
});

test('all bytes of a client that sends much before the 101 reach the hop after it', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    await until(() => edge.exchanges[0]?.socket.isPaused() === true, 'nexthop to stop reading from the client');
    peer.write(switching());
  });
  const edge = await serveTunnels(t, hop.port);
  const client = await edge.sendHandshake();
  const flood = '0123456789'.repeat(100_000);

  client.write(flood);
  await client.readHead();

  t.is(await hop.peers[0]?.readBytes(flood.length), flood);
});

for (const [end, index] of [
  ['client', 0],
  ['hop', 1],
] as const) {
  test(`a ${end} that ends its side of the tunnel still receives the rest of the other side`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(switching());
    });
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.sendHandshake();
    await client.readHead();
    const sides = [client, (await hop.connections(1))[0] ?? client];
    const [first, other] = index === 0 ? sides : sides.reverse();

    first?.end('the last of mine');
    t.is(await other?.readToEnd(), 'the last of mine');
    other?.end('the rest of mine');

    t.is(await first?.readToEnd(), 'the rest of mine');
    await edge.settled(1);
  });
}
