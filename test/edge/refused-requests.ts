import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';

const REQUESTS: readonly (readonly [title: string, bytes: string, status: number, fault: string])[] = [
  ['an unknown HTTP version', 'GET / HTTP/7.0\r\nHost: a\r\n\r\n', 505, 'version_unsupported'],
  ['an invalid end of the request line', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400, 'bad_request'],
  [
    'chunk extensions above 4 KiB',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(5000)}\r\nx\r\n0\r\n\r\n`,
    413,
    'body_too_large',
  ],
];

for (const [title, bytes, status, fault] of REQUESTS) {
  test(`a request with ${title} gets ${status}, and its connection ends`, async (t) => {
    const hop = await scriptedHop(t, () => undefined);
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();

    client.write(bytes);

    t.regex(await client.readToEnd(), new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*code: ${fault}\\n`));
  });
}
