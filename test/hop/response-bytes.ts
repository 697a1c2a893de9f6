import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { answerOf, CLOSE } from '../helpers/hop-response.ts';
import { scriptedHop } from '../helpers/peer.ts';

/** Header lines of a response, without those that nexthop itself sets for the client's connection. */
function headersOf(answer: string): string[] {
  const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => !/^(connection|keep-alive|date|x-request-id):/i.test(line));
}

test('order, case and duplicates of headers reach the client unchanged', async (t) => {
  const headers = [
    'X-b: 1',
    'x-A: 2',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'X-b: 3',
    'X-Bytes: \xe9\xff',
    'Content-Length: 0',
  ];

  const answer = await answerOf(t, `HTTP/1.1 200 OK\r\n${headers.join('\r\n')}\r\n\r\n`);

  t.deepEqual(headersOf(answer), headers);
});

test('hop-by-hop response headers and those that Connection nominates are not forwarded', async (t) => {
  const answer = await answerOf(
    t,
    'HTTP/1.1 200 OK\r\nConnection: X-Private, keep-alive, Set-Cookie\r\nKeep-Alive: timeout=9\r\nX-Private: 1\r\n' +
      'Proxy-Authenticate: Basic\r\nProxy-Authentication-Info: a\r\nUpgrade: h2c\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok',
  );

  t.deepEqual(headersOf(answer), ['Set-Cookie: a=1', 'Content-Length: 2']);
});

test('the client keeps its connection when the hop closes its own', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('ok');
  client.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('ok');

  t.is(hop.peers.length, 2);
});

for (const [title, line, expected] of [
  ['a reason phrase is kept', '200 Fine', '200 Fine'],
  ['an empty reason phrase is kept', '200 ', '200 '],
  ['a reason phrase in UTF-8 keeps its bytes', '200 \xe4\xbd\xa0', '200 \xe4\xbd\xa0'],
  ['a reason phrase in bytes that are no UTF-8 keeps them', '404 \xe9\xff', '404 \xe9\xff'],
  ['a status above 599 is kept', '799 Odd', '799 Odd'],
] as const) {
  test(title, async (t) => {
    const answer = await answerOf(t, `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);

    t.is(answer.split('\r\n')[0], `HTTP/1.1 ${expected}`);
  });
}

test('Date is kept, and added when it is missing', async (t) => {
  const kept = await answerOf(t, 'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n');
  const added = await answerOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');

  t.regex(kept, /\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n/);
  t.is(kept.match(/\r\ndate:/gi)?.length, 1);
  t.is(added.match(/\r\ndate:/gi)?.length, 1);
});

test('the Content-Length of a 204 is removed', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 204 No Content\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n');

  t.deepEqual(headersOf(answer), ['X-A: 1']);
  t.true(answer.endsWith('\r\n\r\n'));
});

test('a 304 keeps its Content-Length and has no body', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 42\r\n\r\n');

  t.deepEqual(headersOf(answer), ['ETag: "a"', 'Content-Length: 42']);
  t.true(answer.endsWith('\r\n\r\n'));
});

test('a 205 has no body', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');

  t.deepEqual(headersOf(answer), ['Content-Length: 0']);
});

for (const [what, request, response] of [
  ['a 204', 'GET', 'HTTP/1.1 204 No\r\n\r\npoison'],
  ['a 205 with a length', 'GET', 'HTTP/1.1 205 No\r\nContent-Length: 6\r\n\r\npoison'],
  ['a 205 in chunks', 'GET', 'HTTP/1.1 205 No\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n'],
  ['a 304', 'GET', 'HTTP/1.1 304 No\r\nContent-Length: 6\r\n\r\npoison'],
  ['a response to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'],
] as const) {
  test(`the content of ${what} is not sent before the next response`, async (t) => {
    const hop = await scriptedHop(t, async (peer, index) => {
      for (let count = 0; ; count++) {
        await peer.readHead();
        peer.write(index + count === 0 ? response : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();
    client.write(`${request} /1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readHead();

    client.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');

    t.regex(await client.readUntil('ok'), /^HTTP\/1\.1 200 OK\r\n/);
    t.notRegex(client.received, /poison/);
  });
}

test('the response to a HEAD keeps its Content-Length, and both connections stay open', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  for (const path of ['/1', '/2', '/3']) {
    client.write(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.regex(await client.readHead(), /\r\nContent-Length: 1000\r\n/);
  }

  t.is(hop.peers.length, 1);
  t.is(client.rest, '');
});

test('a chunked response to HEAD has neither a body nor Transfer-Encoding', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', {
    request: `HEAD / HTTP/1.1\r\nHost: a\r\n${CLOSE}`,
  });

  t.deepEqual(headersOf(answer), []);
  t.true(answer.endsWith('\r\n\r\n'));
});

test('a chunked response is chunked for the client, with its trailers', async (t) => {
  const answer = await answerOf(
    t,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\nSet-Cookie: a=1\r\n\r\n',
  );

  t.deepEqual(headersOf(answer), ['Trailer: X-Sum', 'Transfer-Encoding: chunked']);
  t.true(answer.endsWith('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n'), answer);
});

test('a Trailer header on a response with a length is removed', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok');

  t.deepEqual(headersOf(answer), ['Content-Length: 2']);
});

test('an HTTP/1.0 client gets a chunked response without chunks, ended by the end of the connection', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', {
    request: 'GET / HTTP/1.0\r\n\r\n',
  });

  t.deepEqual(headersOf(answer), []);
  t.true(answer.endsWith('\r\n\r\nhello'));
});

test('an HTTP/1.0 client that sends keep-alive keeps its connection', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  for (const path of ['/1', '/2']) {
    client.write(`GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`);
    await client.readUntil('ok');
  }

  t.regex(client.received, /\r\nConnection: keep-alive\r\n/);
});

test('a response that ends with its connection is chunked for an HTTP/1.1 client', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.1 200 OK\r\n\r\nhello', { end: true });

  t.true(answer.endsWith('5\r\nhello\r\n0\r\n\r\n'), answer);
});

test('a status line without a reason is forwarded with the space after the status', async (t) => {
  for (const line of ['HTTP/1.1 200', 'HTTP/1.1 200 '])
    t.true((await answerOf(t, `${line}\r\nContent-Length: 2\r\n\r\nok`)).startsWith('HTTP/1.1 200 \r\n'));
});

test('an HTTP/1.0 response is forwarded', async (t) => {
  const answer = await answerOf(t, 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { end: true });

  t.true(answer.startsWith('HTTP/1.1 200 OK\r\n'));
  t.true(answer.endsWith('ok'));
});
