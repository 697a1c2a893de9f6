import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { connectTo, scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('a request head above HEADER_LIMIT gets 431, and a smaller one is forwarded', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HEADER_LIMIT: '20k' } });

  const below = await edge.exchange(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${'a'.repeat(19_000)}\r\n\r\n`,
  );
  const above = await edge.exchange(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${'a'.repeat(21_000)}\r\n\r\n`,
  );

  t.regex(below, /^HTTP\/1\.1 200 /);
  t.regex(above, /^HTTP\/1\.1 431 .*headers_too_large/s);
});

test('a connection above MAX_CONNECTIONS is closed, and accepted after another one ended', async (t) => {
  const edge = await startEdge(t, { env: { MAX_CONNECTIONS: '1' } });
  const first = await edge.connect();
  first.write('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
  await first.readHead();

  const second = await connectTo(t, edge.port);
  t.is(await second.readToEnd(), '');

  first.write('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await first.readToEnd();
  await first.until(() => first.closed !== undefined, 'the close');
  t.regex(await edge.exchange('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('every kind of response has the request id', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    }
  });
  const site = await siteFolder(t, {
    'cloud-functions/f.js': 'export function onRequest() { return new Response("f"); }',
    'cloud-functions/json.js': 'export function onRequest() { return { a: 1 }; }',
    'cloud-functions/app/[[x]].js':
      'export default Object.assign((q, s) => s.end("app"), { handle() {}, use() {}, set() {} });',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  for (const path of ['/f', '/json', '/app/x', '/other', '/other%']) {
    const answer = await edge.exchange(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nsection-io-id: abc-1\r\nConnection: close\r\n\r\n`,
    );
    t.regex(answer, /\r\nsection-io-id: abc-1\r\n/i, path);
  }
  const lines = await edge.accessLines(5);
  t.deepEqual(new Set(lines.map(({ section_io_id }) => section_io_id)), new Set(['abc-1']));
});
