import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { handshake, switching } from '../helpers/tunnel-server.ts';

test('a request without a first byte within HOP_FIRST_BYTE_TIMEOUT gets 504, and the connection to the hop is closed', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_FIRST_BYTE_TIMEOUT: '100ms' } });

  const answer = await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 504 .*hop_timeout/s);
  await hop.peers[0]?.until(
    () => hop.peers[0]?.ended === true || hop.peers[0]?.closed !== undefined,
    'the end of the connection',
  );
});

test('an upload that the hop stops reading gets 504 after HOP_FIRST_BYTE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, (peer) => void peer.socket.pause());
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_FIRST_BYTE_TIMEOUT: '200ms' } });
  const client = await edge.connect();
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  client.write('a'.repeat(30_000_000));

  t.regex(await client.readHead(), /^HTTP\/1\.1 504 /);
});

test('an upload that continues does not exceed HOP_FIRST_BYTE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('last');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_FIRST_BYTE_TIMEOUT: '2s' } });
  const client = await edge.connect();
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let piece = 0; piece < 10; piece++) {
    client.write('4\r\nnext\r\n');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  client.write('4\r\nlast\r\n0\r\n\r\n');

  t.regex(await client.readUntil('ok'), /^HTTP\/1\.1 200 /);
});

test('a response body that stops for HOP_IDLE_TIMEOUT is cut', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_IDLE_TIMEOUT: '100ms' } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('hello');

  await client.until(() => client.closed !== undefined, 'the connection to be cut');

  const [line] = await edge.accessLines(1);
  t.is(line?.fault, 'hop_timeout');
});

test('an event stream may be silent for longer than HOP_IDLE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n\n');
    await new Promise((resolve) => setTimeout(resolve, 400));
    peer.end('data: 2\n\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_IDLE_TIMEOUT: '100ms' } });

  const answer = await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /data: 2\n\n/);
});

test('a response that continues chunk by chunk does not exceed HOP_IDLE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    for (let piece = 0; piece < 10; piece++) {
      peer.write('a');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_IDLE_TIMEOUT: '2s' } });

  const answer = await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.true(answer.endsWith('a'.repeat(10)));
});

test('a request that waits too long for a connection gets 503', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, {
    env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '1', HOP_FIRST_BYTE_TIMEOUT: '300ms' },
  });
  const first = await edge.connect();
  first.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);
  await hop.peers[0]?.readHead();

  const second = await edge.connect();
  second.write('GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(await first.readHead(), /^HTTP\/1\.1 504 /);
  t.regex(await second.readToEnd(), /^HTTP\/1\.1 50[34] /);
});

test('the connections of a client that does not read its response, and of its hop, are cut after CLIENT_IDLE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const piece = 'a'.repeat(256 * 1024);
    const send = (): void => {
      while (!peer.socket.destroyed && peer.socket.write(piece));
    };
    peer.socket.on('drain', send);
    send();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, CLIENT_IDLE_TIMEOUT: '300ms' } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  client.socket.pause();

  await hop.peers[0]?.until(
    () => hop.peers[0]?.ended === true || hop.peers[0]?.closed !== undefined,
    'the end of the connection',
  );
  const [line] = await edge.accessLines(1);
  t.is(line?.fault, 'client_left');
});

test('a client that stops in the middle of its upload gets 408 after CLIENT_IDLE_TIMEOUT', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, CLIENT_IDLE_TIMEOUT: '200ms' } });
  const client = await edge.connect();

  client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 408 .*request_timeout/s);
});

test('an upload that stops releases its connection to the hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    if (head.startsWith('GET')) peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const env = { NEXT_HOP: hop.url, CLIENT_IDLE_TIMEOUT: '200ms', HOP_CONNECTIONS: '2' };
  const edge = await startEdge(t, { env });
  const uploads = await Promise.all([edge.connect(), edge.connect(), edge.connect()]);
  for (const client of uploads) client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
  for (const client of uploads) t.regex(await client.readToEnd(), /^HTTP\/1\.1 408 /);

  const answers = await Promise.all(
    [1, 2].map(() => edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')),
  );

  for (const answer of answers) t.true(answer.endsWith('ok'), answer);
  for (const peer of hop.peers.slice(0, 2)) await peer.until(() => peer.ended || peer.closed !== undefined, 'the end');
});

test('a refused handshake whose body stops releases its connection and its slot', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(index === 0 ? 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nsome' : switching());
  });
  const env = { NEXT_HOP: hop.url, HOP_IDLE_TIMEOUT: '100ms', HOP_CONNECTIONS: '1', MAX_TUNNELS: '1' };
  const edge = await startEdge(t, { env });
  const refused = await edge.connect();
  refused.write(handshake());
  await refused.readUntil('some');

  await refused.until(() => refused.closed !== undefined, 'the cut');
  await edge.accessLines(1);
  const client = await edge.connect();
  client.write(handshake());

  t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
});

test('CLIENT_IDLE_TIMEOUT does not cut a client that waits for a slow hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    await new Promise((resolve) => setTimeout(resolve, 500));
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, CLIENT_IDLE_TIMEOUT: '100ms' } });

  const answer = await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.true(answer.endsWith('ok'));
});

test('a request whose head is not complete within HEADERS_TIMEOUT gets 408', async (t) => {
  const edge = await startEdge(t, { env: { HEADERS_TIMEOUT: '200ms' } });
  const client = await edge.connect();

  client.write('GET /x HTTP/1.1\r\nHos');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 408 .*request_timeout/s);
});

test('an idle client connection is closed after KEEP_ALIVE_TIMEOUT and not earlier', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const edge = await startEdge(t, {
    env: { NEXT_HOP: hop.url, KEEP_ALIVE_TIMEOUT: '4s', CLIENT_IDLE_TIMEOUT: '100ms' },
  });
  const client = await edge.connect();
  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  t.regex(await client.readUntil('ok'), /\r\nKeep-Alive: timeout=4\r\n/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const askedAtMs = performance.now();
  client.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('ok');

  await client.until(() => client.ended || client.closed !== undefined, 'the end of the connection');

  const openMs = performance.now() - askedAtMs;
  // The timeout is counted in ticks, the first of which may be nearly over.
  t.true(openMs > 3500, `closed after ${openMs} ms`);
});
