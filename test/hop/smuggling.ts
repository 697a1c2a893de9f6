import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';

const SECOND = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** Answers each received head with 200. The peer records every byte that the hop receives. */
async function answerAll(peer: Peer): Promise<void> {
  for (;;) {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  }
}

/**
 * Requests that two parsers may read differently. nexthop answers with this status; none of their
 * bytes may reach the hop.
 */
const REFUSED: readonly (readonly [title: string, bytes: string, status: number])[] = [
  [
    'Content-Length and chunked',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
    400,
  ],
  [
    'chunked and Content-Length',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${SECOND}`,
    400,
  ],
  [
    'two lengths that differ',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 38\r\n\r\n${SECOND}`,
    400,
  ],
  ['two equal lengths', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, 400],
  ['a list of lengths', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nhi`, 400],
  ['a length with a sign', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nhi', 400],
  ['a negative length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\nhi', 400],
  ['a hexadecimal length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nhi', 400],
  ['a length beyond 64 bits', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\nhi', 400],
  ['an empty length', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n${SECOND}`, 400],
  ['Content_Length', `POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 38\r\n\r\n${SECOND}`, 400],
  ['Transfer_Encoding', `POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`, 400],
  ['RTSP/1.0', `GET / RTSP/1.0\r\nHost: a\r\n\r\n${SECOND}`, 400],
  ['ICE/1.0', `GET / ICE/1.0\r\nHost: a\r\n\r\n${SECOND}`, 400],
  ['gzip, chunked', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${SECOND}`, 501],
  ['an absolute target without a host', `GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n${SECOND}`, 400],
  [
    'a chunk size of sixteen F',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'F'.repeat(16)}\r\n${SECOND}`,
    400,
  ],
  ['chunked, identity', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
  [
    'chunked twice',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a coding in quotes', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`, 501],
  [
    'a coding with a vertical tab',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['the coding xchunked', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
  ['a space before the colon', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a coding on a folded line', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n', 400],
  ['a NUL in a header value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
  ['a bare CR in a header value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n', 400],
  ['a bare LF at the end of a line', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['a space in a header name', 'GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n', 400],
  ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`, 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', 400],
  ['no Host', `GET / HTTP/1.1\r\n\r\n${SECOND}`, 400],
  ['a Host with user information', 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n', 400],
  ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 505],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 405],
  ['CONNECT', 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n', 405],
  [
    'a chunk size with a prefix',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk size with a space',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk that is longer than its size',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n',
    400,
  ],
  [
    'a bare LF after a chunk size',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n',
    400,
  ],
];

for (const [title, bytes, status] of REFUSED) {
  test(`a request with ${title} gets ${status}, and the hop receives no request`, async (t) => {
    const hop = await scriptedHop(t, answerAll);
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

    const answer = await edge.exchange(bytes);

    t.is(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), status, answer);
    t.is(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, 'one response, then the end of the connection');
    t.false(hop.peers.some(({ received }) => received.includes('smuggled') || received.endsWith('\r\n0\r\n\r\n')));
  });
}

test('a request whose body looks like another request stays one request', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('/smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await answerAll(peer);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(
    `POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
  );

  t.is(answer.match(/HTTP\/1\.1 200/g)?.length, 1);
  t.regex(hop.peers[0]?.received ?? '', new RegExp(`\\r\\nContent-Length: ${SECOND.length}\\r\\n`));
});

test('an Upgrade to another protocol than WebSocket is ignored, and the body stays part of its request', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('hello');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 5\r\n\r\nhello',
  );

  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.notRegex(hop.peers[0]?.received ?? '', /upgrade|http2-settings/i);
});
