import test from 'ava';
import { startEdge } from '../../helpers/edge.ts';
import { type Peer, scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';
import { handshake, switching } from '../../helpers/tunnel-server.ts';

const SAY = `
export default async (request: Request, context: any) => {
  if (context.params.sku === 'bad') throw new Error('secret plan');
  return new Response(JSON.stringify([context.path, context.params, new URL(request.url).pathname]));
};`;

const SITE = {
  'netlify/functions/hello.mts': SAY,
  'netlify/functions/product.mts': `${SAY} export const config = { path: ['/product/:sku', '/item/:sku'], preferStatic: true };`,
  'netlify/functions/sale.mts': `${SAY} export const config = { path: '/sale/*', excludedPath: '/sale/*.css', method: 'GET' };`,
  'public/product/book.html': 'the book',
  'netlify.toml': `
[[redirects]]
  from = "/api/*"
  to = "/.netlify/functions/:splat"
  status = 200
[[redirects]]
  from = "/old"
  to = "/sale/new"
[[redirects]]
  from = "/elsewhere/*"
  to = "https://b.example/:splat"
  rate_limit = { window_limit = 10, aggregate_by = "ip" }
`,
};

/** A hop with only one page. */
async function answerAsHop(peer: Peer): Promise<void> {
  for (;;) {
    const head = await peer.readHead();
    const [status, body] = / \/(?:item|product)\/shoe /.test(head)
      ? ['200 OK', 'the hop']
      : ['404 Not Found', 'nothing'];
    peer.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }
}

test('a Netlify site responds by paths, default URLs, files, the hop and redirects', async (t) => {
  const hop = await scriptedHop(t, answerAsHop);
  const edge = await startEdge(t, { site: await siteFolder(t, SITE), env: { NEXT_HOP: hop.url } });
  const rows: readonly (readonly [target: string, status: number, body: string])[] = [
    ['/.netlify/functions/hello/sub', 200, '[null,{},"/.netlify/functions/hello/sub"]'],
    ['/.netlify/functions/sale', 404, 'nothing'],
    ['/sale/a/b/', 200, '["/sale/*",{"0":"a/b"},"/sale/a/b/"]'],
    ['/sale/main.css', 404, 'nothing'],
    ['/product/book', 200, 'the book'],
    ['/product/shoe', 200, 'the hop'],
    ['/item/shoe', 200, 'the hop'],
    ['/item/a%20b', 200, '["/item/:sku",{"sku":"a%20b"},"/item/a%20b"]'],
    ['/api/hello', 200, '[null,{},"/api/hello"]'],
    ['/old', 301, ''],
    ['/elsewhere/x', 301, ''],
    ['/item/bad', 500, '{"status":500,"code":"function_error"}'],
  ];

  for (const [target, status, body] of rows) {
    const answer = await fetch(edge.url + target, { redirect: 'manual', headers: { 'x-request-id': 'asked' } });
    t.is(answer.status, status, target);
    t.is((await answer.text()).replace(/,"requestId":"[^"]*"|\n$/g, ''), body, target);
  }

  const lines = await edge.accessLines(rows.length);
  t.deepEqual(
    lines.map(({ route, target, upstream_status }) => [route, target, upstream_status]),
    [
      ['/.netlify/functions/hello', 'netlify/functions/hello.mts', ''],
      ['', 'next-hop', '404'],
      ['/sale/*', 'netlify/functions/sale.mts', ''],
      ['', 'next-hop', '404'],
      ['/product/book', 'public/product/book.html', ''],
      ['', 'next-hop', '200'],
      ['', 'next-hop', '200'],
      ['/item/:sku', 'netlify/functions/product.mts', ''],
      ['/.netlify/functions/hello', 'netlify/functions/hello.mts', ''],
      ['/old', 'netlify.toml', ''],
      ['/elsewhere/*', 'netlify.toml', ''],
      ['/item/:sku', 'netlify/functions/product.mts', ''],
    ],
  );
  t.deepEqual(
    edge.edge.site.problems.map(({ message }) => message),
    ['redirects[2].rate_limit.window_size is not set: 60 seconds are used'],
  );
  t.is(edge.edge.site.problems[0]?.line, 12);
});

test('a WebSocket on a path of a function with preferStatic goes to the hop, which gets no other request', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const edge = await startEdge(t, { site: await siteFolder(t, SITE), env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write(handshake().replace('/chat', '/item/7'));

  t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
  t.is(hop.peers.length, 1);
  t.regex(hop.peers[0]?.received ?? '', /^GET \/item\/7 .*upgrade: websocket/is);
});

for (const dev of ['0', '1']) {
  test(`with DEV=${dev} the response ${dev === '1' ? 'has' : 'does not have'} the error of a function`, async (t) => {
    const edge = await startEdge(t, {
      site: await siteFolder(t, SITE),
      env: { DEV: dev, NEXT_HOP: 'http://none.invalid' },
    });

    const answer = await fetch(`${edge.url}/item/bad`, { headers: { accept: 'text/html' } });

    t.is(answer.status, 500);
    t.is(/<pre>[^<]*Error: secret plan\n {4}at .*product\.mts/.test(await answer.text()), dev === '1');
  });
}
