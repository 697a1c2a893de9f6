import test from 'ava';
import { OWNER, pairServer, readResponse } from '../helpers/node-servers.ts';
import { wireServer } from '../helpers/wire-server.ts';

test('an HTTP/1.0 client that sends keep-alive keeps its connection after a response of a framework', async (t) => {
  const server = await pairServer(t, (request, response) => {
    response.setHeader('Content-Length', 2).end(request.url);
  });
  const peer = await server.connect();

  for (const target of ['/1', '/2']) {
    peer.write(`GET ${target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    const { head, body } = await readResponse(peer);
    t.regex(head, /\r\nConnection: keep-alive\r\n/);
    t.is(body, target);
  }
});

for (const [framing, request, closed] of [
  ['chunked response', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'end'],
  ['response without chunks and length', 'GET / HTTP/1.0\r\n\r\n', 'reset'],
] as const) {
  test(`after an aborted ${framing} of a framework the client sees ${closed === 'end' ? 'the end' : 'a reset'} of its connection`, async (t) => {
    const server = await wireServer(t, (received, sent) => {
      const { pair, response } = sent.toNode(received, received.target, OWNER);
      pair.response.write('part', () => response.abort());
    });
    const peer = await server.connect();

    peer.write(request);
    await peer.until(() => peer.closed !== undefined);

    t.is(peer.closed, closed);
    t.notRegex(peer.received, /\r\n0\r\n/);
  });
}
