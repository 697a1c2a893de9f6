import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { connectTo, scriptedHop } from '../helpers/peer.ts';
import { startNexthop } from '../helpers/process.ts';
import { handshake, switching } from '../helpers/tunnel-server.ts';

test('an edge opens a tunnel, sends Via to the hop, and writes one access line', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`${switching('Sec-WebSocket-Accept: abc')}hello`);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write(handshake());

  const head = await client.readHead();
  t.regex(head, /^HTTP\/1\.1 101 Switching Protocols\r\n(?:.*\r\n)*Sec-WebSocket-Accept: abc\r\n/);
  t.is(await client.readBytes(5), 'hello');
  t.regex(
    hop.peers[0]?.received ?? '',
    /\r\nVia: 1\.1 nexthop\r\n[\s\S]*\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n$/,
  );
  client.end();
  hop.peers[0]?.end();

  const [line] = await edge.accessLines(1);
  t.like(line, { status: '101', upstream_status: '101', request: 'GET /chat HTTP/1.1' });
  t.falsy(line?.fault);
});

test('a handshake whose hop is unreachable gets 502, also after other clients reset during their handshakes', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: 'http://127.0.0.1:9' } });
  for (const request of [handshake(), handshake('Host: another.example')]) {
    const client = await edge.connect();
    client.write(request);
    client.reset();
  }

  const client = await edge.connect();
  client.write(handshake('Accept: text/plain'));
  t.regex(await client.readUntil('hop_unreachable'), /^HTTP\/1\.1 502 /);
  t.regex(await edge.exchange(handshake('Host: another.example')), /^HTTP\/1\.1 400 /);
});

test('a tunnel writes nothing to stdout or stderr', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url } });
  const outputBefore = running.output();
  const client = await connectTo(t, running.port);

  client.write(handshake());
  t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
  client.end();
  hop.peers[0]?.end();
  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  t.regex(running.output().slice(outputBefore.length), /^SIGTERM: .*\n$/);
});

test('the drain of an edge ends its tunnels', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, DRAIN_TIMEOUT: '60s' } });
  const client = await edge.connect();
  client.write(handshake());
  await client.readHead();

  const closed = edge.close();

  t.is(await client.readToEnd(), '');
  await t.notThrowsAsync(closed);
});
