import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { handshake } from '../../../helpers/tunnel-server.ts';

const FILE = 'netlify/edge-functions/one.js';
const ALL = "export const config = { path: '/*' };";

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

async function startSite(t: ExecutionContext, code: string, hopUrl: string): ReturnType<typeof startEdge> {
  const site = await siteFolder(t, { [FILE]: `${code}\n${ALL}`, 'public/a.txt': 'file' });
  return startEdge(t, { site, env: { NEXT_HOP: hopUrl } });
}

test('next() for a URL of another site, and a URL for a WebSocket handshake, are a 500', async (t) => {
  const hop = await scriptedHop(t, () => t.fail('is not asked'));
  const edge = await startSite(
    t,
    `export default (request, { next }) => request.url.endsWith('/next')
      ? next(new Request('http://other.test/a.txt'))
      : new URL('/a.txt', request.url);`,
    hop.url,
  );

  t.regex(await edge.exchange(get('/next')), /^HTTP\/1\.1 500 .*function_/s);
  const client = await edge.connect();
  client.write(handshake('Sec-WebSocket-Version: 13'));
  t.regex(await client.readHead(), /^HTTP\/1\.1 500 /);
});

test('a header that an edge function sets on a WebSocket handshake reaches its target', async (t) => {
  const asked = Promise.withResolvers<string>();
  const hop = await scriptedHop(t, async (peer) => {
    asked.resolve(await peer.readHead());
    peer.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  });
  const edge = await startSite(t, `export default (request) => { request.headers.set('x-user', 'me'); };`, hop.url);
  const client = await edge.connect();

  client.write(handshake('Sec-WebSocket-Version: 13'));

  t.regex(await asked.promise, /^GET \/chat .*x-user: me\r\n/is);
  t.regex(await client.readHead(), /^HTTP\/1\.1 403 /);
});

for (const onError of ['bypass', '/a.txt']) {
  test(`an edge function that does not load answers 500, also with onError: ${onError}`, async (t) => {
    const site = await siteFolder(t, {
      [FILE]: `export default () => {}; throw new Error('broken'); export const config = { path: '/*', onError: '${onError}' };`,
      'public/a.txt': 'file',
    });
    const edge = await startEdge(t, { site });

    t.regex(await edge.exchange(get('/a.txt')), /^HTTP\/1\.1 500 /);
  });
}

test('onError with a path has the status of that path', async (t) => {
  const site = await siteFolder(t, {
    [FILE]: `export default () => { throw new Error(); }; export const config = { path: '/*', onError: '/sorry' };`,
    'netlify/functions/sorry.mjs': `export default () => new Response('sorry', { status: 418 }); export const config = { path: '/sorry' };`,
  });
  const edge = await startEdge(t, { site });

  t.regex(await edge.exchange(get('/x')), /^HTTP\/1\.1 418 .*sorry$/s);
});
