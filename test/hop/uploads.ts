import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'PROPFIND']) {
  test(`a ${method} with Content-Length reaches the hop with its body`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readUntil('hello');
      peer.write(OK);
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

    const answer = await edge.exchange(
      `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`,
    );

    t.regex(answer, /^HTTP\/1\.1 200 /);
    const received = hop.peers[0]?.received ?? '';
    t.regex(received, /\r\ncontent-length: 5\r\n/i);
    t.notRegex(received, /transfer-encoding/i);
    t.true(received.endsWith('\r\n\r\nhello'));
  });

  test(`a chunked ${method} is framed as one message at the hop`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readUntil('world');
      peer.write(OK);
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();
    client.write(
      `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    );
    await (await hop.connections(1))[0]?.readUntil('hello');
    client.write('5\r\nworld\r\n0\r\n\r\n');

    t.regex(await client.readToEnd(), /^HTTP\/1\.1 200 /);
    const received = hop.peers[0]?.received ?? '';
    t.regex(received, /\r\ntransfer-encoding: chunked\r\n/i);
    t.notRegex(received, /content-length/i);
    t.true(received.endsWith('5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n'), received);
  });
}

test('a chunked DELETE cannot smuggle a second request', async (t) => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('/smuggled');
    peer.write(OK);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const length = smuggled.length.toString(16);

  const answer = await edge.exchange(
    `DELETE /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${length}\r\n${smuggled}\r\n0\r\n\r\n`,
  );

  t.is(answer.match(/HTTP\/1\.1 200/g)?.length, 1);
  const received = hop.peers[0]?.received ?? '';
  const framed =
    /\r\ncontent-length: (\d+)\r\n/i.exec(received)?.[1] === String(smuggled.length) ||
    received.includes(`\r\n${length}\r\n`);
  t.true(framed, received);
});

test('the trailers of a request are removed, its body arrives', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('hello');
    peer.write(OK);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  );

  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.notRegex(hop.peers[0]?.received ?? '', /x-sum/i);
});

test('Expect: 100-continue is answered when the connection to the hop is open, and is not forwarded', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('hello');
    peer.write(OK);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  t.is(await client.readHead(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.write('hello');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 200 /);
  t.notRegex(hop.peers[0]?.received ?? '', /expect/i);
});

test('an upload that is refused gets no 100 (Continue)', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: 'http://127.0.0.1:1' } });

  const answer = await edge.exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  );

  t.regex(answer, /^HTTP\/1\.1 502 /);
});

test('Expect: 100-continue without a body does not close the connection', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write(OK);
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  for (const method of ['GET', 'POST']) {
    client.write(`${method} /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n`);
    t.regex(await client.readUntil('ok'), /^HTTP\/1\.1 200 OK\r\n(?![\s\S]*Connection: close)/);
  }
});

test('a quarter of the connections to the hop is free for other requests during 300 slow uploads', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      if (head.startsWith('GET') || head.startsWith('PUT')) peer.write(OK);
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '16', HOP_QUEUE: '1000' } });
  const uploads = await Promise.all(Array.from({ length: 300 }, () => edge.connect()));
  for (const client of uploads) client.write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow');
  await hop.connections(12);

  const answers = await Promise.all(
    Array.from({ length: 20 }, () => edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')),
  );
  const empty = await edge.exchange('PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');

  for (const answer of [...answers, empty]) t.regex(answer, /^HTTP\/1\.1 200 /);
  t.true(hop.peers.length <= 16);
});

test('a request with an unknown expectation gets 417', async (t) => {
  const edge = await startEdge(t);

  const answer = await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: tea\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 417 .*expectation_failed/s);
});

test('a response before the end of an upload reaches the client, then the connection ends', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('aaaa');
    peer.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n');
  const piece = 'a'.repeat(64 * 1024);
  const keepSending = (): void => {
    if (client.closed === undefined && client.socket.write(piece)) setImmediate(keepSending);
  };
  client.socket.on('drain', keepSending);
  keepSending();

  t.regex(await client.readUntil('\r\n\r\nbig'), /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n/s);
  await client.until(() => client.closed !== undefined || client.ended, 'the end of the connection');
});

test('a Content-Length above BODY_LIMIT gets 413, and the hop receives no request', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, BODY_LIMIT: '10' } });

  const answer = await edge.exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world',
  );

  t.regex(answer, /^HTTP\/1\.1 413 .*body_too_large/s);
  t.is(hop.peers.length, 0);
});

test('a chunked body above BODY_LIMIT gets 413, and the hop receives an incomplete request', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, BODY_LIMIT: '8' } });
  const client = await edge.connect();
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readUntil('hello');

  client.write('5\r\nworld\r\n');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 413 .*body_too_large/s);
  await peer?.until(() => peer.closed !== undefined || peer.ended, 'the connection to the hop to be cut');
  t.false(peer?.received.endsWith('0\r\n\r\n'));
});

test('a body of exactly BODY_LIMIT is accepted', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('hello');
    peer.write(OK);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, BODY_LIMIT: '5' } });

  const answer = await edge.exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  );

  t.regex(answer, /^HTTP\/1\.1 200 /);
});

test('a body of 20 MB arrives completely', async (t) => {
  const size = 20_000_000;
  let arrived = 0;
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    await peer.until(() => peer.received.length - head.length >= size, 'the body');
    arrived = peer.received.length - head.length;
    peer.write(OK);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const response = await fetch(`${edge.url}/x`, { method: 'POST', body: new Uint8Array(size) });

  t.is(await response.text(), 'ok');
  t.is(arrived, size);
});
