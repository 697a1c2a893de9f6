import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'PURGE',
  'PROPFIND',
  'QUERY',
  'REPORT',
  'M-SEARCH',
];

/** Answers each request on the connection with an empty 200. */
async function answerAll(peer: Peer): Promise<void> {
  for (;;) {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }
}

/** The lines that the hop receives for a request with this header and body. */
async function linesAtHop(
  t: Parameters<typeof startEdge>[0],
  method: string,
  header: string,
  body = '',
): Promise<string[]> {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  await edge.exchange(`${method} / HTTP/1.1\r\nHost: a\r\n${header}\r\nConnection: close\r\n\r\n${body}`);
  return (hop.peers[0]?.received ?? '').trimEnd().split('\r\n');
}

/** Whether a line is one of the two headers that frame a body. */
function isFraming(line: string): boolean {
  return /^(content-length|transfer-encoding):/i.test(line);
}

test('a GET without a body is forwarded without a body', async (t) => {
  const lines = await linesAtHop(t, 'GET', 'Accept: */*');

  t.false(lines.some(isFraming));
});

for (const method of METHODS) {
  test(`a ${method} with Content-Length: 0 is forwarded with it`, async (t) => {
    const lines = await linesAtHop(t, method, 'Content-Length: 0');

    t.deepEqual(lines.filter(isFraming), ['Content-Length: 0']);
  });

  test(`the empty chunked body of a ${method} stays chunked at the hop`, async (t) => {
    const lines = await linesAtHop(t, method, 'Transfer-Encoding: chunked', '0\r\n\r\n');

    t.deepEqual(lines.filter(isFraming), ['Transfer-Encoding: chunked']);
    t.is(lines.at(-1), '0');
  });

  test(`the chunked body of a ${method} reaches the hop with all its bytes`, async (t) => {
    const lines = await linesAtHop(t, method, 'Transfer-Encoding: chunked', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');

    const body = lines.slice(lines.indexOf('') + 1).filter((line) => line !== '');
    t.regex(body.join('|'), /^(3\|abc\|2\|de|5\|abcde)\|0$/);
  });
}

test('requests with an empty body share a connection to the hop', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  for (const method of ['DELETE', 'OPTIONS', 'GET']) {
    client.write(`${method} /${method} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    await client.readHead();
  }

  t.is(hop.peers.length, 1);
  t.deepEqual(hop.peers[0]?.received.match(/^[A-Z]+ \/\S*|^Content-Length: 0/gm), [
    'DELETE /DELETE',
    'Content-Length: 0',
    'OPTIONS /OPTIONS',
    'Content-Length: 0',
    'GET /GET',
    'Content-Length: 0',
  ]);
});

test('a request with Content-Length: 0 is sent again when the kept-alive connection was reset', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    if (index > 0) return;
    await peer.readHead();
    peer.reset();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();
  client.write('DELETE /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');

  t.regex(await client.readHead(), /^HTTP\/1\.1 200 /);
  const [head, ...lines] = (hop.peers[1]?.received ?? '').split('\r\n');
  t.is(head, 'DELETE /2 HTTP/1.1');
  t.deepEqual(lines.filter(isFraming), ['Content-Length: 0']);
});

test('a client that leaves before the first byte of its chunked DELETE leaves an incomplete request at the hop', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('DELETE / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.readHead();
  client.reset();

  const [line] = await edge.accessLines(1);
  t.is(line?.status, '499');
  const [peer] = await hop.connections(1);
  await peer?.readToEnd();
  t.true(peer?.received.endsWith('\r\n\r\n'), 'a last chunk would make nothing look like a whole body');
  t.notRegex(peer?.received ?? '', /\r\n0\r\n/);
});

test('an empty chunked response stays chunked', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(answer.split('\r\n').filter(isFraming), ['Transfer-Encoding: chunked']);
  t.true(answer.endsWith('\r\n\r\n0\r\n\r\n'), answer);
});

for (const method of METHODS) {
  test(`a response to ${method} with Content-Length: 0 keeps it`, async (t) => {
    const hop = await scriptedHop(t, answerAll);
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

    const answer = await edge.exchange(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    t.deepEqual(answer.split('\r\n').filter(isFraming), ['Content-Length: 0']);
    t.true(answer.endsWith('\r\n\r\n'));
  });
}
