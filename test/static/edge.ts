import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SITE = {
  'public/index.html': 'home',
  'public/hello.html': 'a page',
  'public/big.txt': 'x'.repeat(200_000),
  'cloud-functions/hello.js': 'export const onRequest = ({ request }) => new Response("function " + request.method);',
  'cloud-functions/other.js': 'export const onRequest = () => new Response("other");',
};

test('a file has precedence over a function of the same path, for GET and HEAD', async (t) => {
  const edge = await startEdge(t, { site: await siteFolder(t, SITE) });

  t.is(await (await fetch(`${edge.url}/hello`)).text(), 'a page');
  t.is((await fetch(`${edge.url}/hello`, { method: 'HEAD' })).headers.get('content-length'), '6');
  t.is(await (await fetch(`${edge.url}/hello`, { method: 'POST' })).text(), 'function POST');
  t.is(await (await fetch(`${edge.url}/other`)).text(), 'other');
});

test('a path without file and function is forwarded to the hop unchanged', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    const line = head.slice(0, head.indexOf('\r\n'));
    peer.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${line.length}\r\n\r\n${line}`);
  });
  const edge = await startEdge(t, { site: await siteFolder(t, SITE), env: { NEXT_HOP: hop.url } });
  const lineFor = async (line: string) =>
    (await edge.exchange(`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)).split(
      '\r\n\r\n',
    )[1];

  for (const line of ['GET /none.txt', 'GET /big.txt/', 'POST /big.txt', 'GET /..%2fpublic/big.txt']) {
    t.is(await lineFor(line), `${line} HTTP/1.1`);
  }
});

test('the access line has the file', async (t) => {
  const edge = await startEdge(t, { site: await siteFolder(t, SITE) });
  await (await fetch(`${edge.url}/big.txt`)).text();

  const [line] = await edge.accessLines(1);
  t.like(line, {
    status: '200',
    route: '/big.txt',
    target: 'public/big.txt',
    content_type: 'text/plain; charset=utf-8',
    response_body_bytes: '200000',
    fault: '',
  });
});

test('a drain lets a download finish', async (t) => {
  const site = await siteFolder(t, { 'public/a.bin': 'x'.repeat(16 * 1024 ** 2) });
  const edge = await startEdge(t, { site, env: { DRAIN_TIMEOUT: `${PATIENCE_MS}ms` } });
  const client = await edge.connect();
  client.write('GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  await edge.close();

  await client.until(() => client.ended, 'the end');
  t.true(client.received.length > 16 * 1024 ** 2);
});
