import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { startAstroEdge } from '../helpers/astro-edge.ts';
import { startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { connectTo, scriptedHop } from '../helpers/peer.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

for (const major of [5, 7] as const) {
  test(`Astro ${major}: with NEXT_HOP a request without a page is forwarded unchanged`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.end('HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nfrom hop');
    });
    const { port, url } = await startEntry(t, await astroSite(t, { major, ...OURS }), { env: { NEXT_HOP: hop.url } });
    const peer = await connectTo(t, port);

    peer.write(
      'GET /nothing?x=%2f HTTP/1.1\r\nhOsT: shop.example\r\nX-Odd: 1\r\nX-Odd: 2\r\nConnection: close\r\n\r\n',
    );

    t.regex(await peer.readToEnd(), /from hop$/);
    const [{ received } = { received: '' }] = hop.peers;
    t.regex(received, /^GET \/nothing\?x=%2f HTTP\/1\.1\r\nhOsT: shop\.example\r\n[\s\S]*X-Odd: 1\r\nX-Odd: 2\r\n/);
    t.is((await fetch(`${url}/users/1`)).status, 200);
    t.is((await fetch(`${url}/about`)).status, 200);
    t.is(await (await fetch(`${url}/blog/none`)).text(), 'from hop');
  });

  test(`Astro ${major}: with ASTRO_OWNS_404 nothing is forwarded, even if NEXT_HOP is set`, async (t) => {
    const env = { NEXT_HOP: 'http://127.0.0.1:9', ASTRO_OWNS_404: '1' };
    const { url } = await startEntry(t, await astroSite(t, { major, ...OURS }), { env });

    t.is((await fetch(`${url}/nothing`)).status, 404);
  });

  test(`Astro ${major}: without a hop Astro answers a path that matches no route, and a WebSocket handshake`, async (t) => {
    const { port, url } = await startEntry(t, await astroSite(t, { major, ...OURS }));
    const shake = async (path: string) => {
      const peer = await connectTo(t, port);
      peer.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${HANDSHAKE}\r\n`);
      return (await peer.readHead()).split('\r\n', 1)[0];
    };

    t.regex(await (await fetch(`${url}/users/a%2Fb`)).text(), /User a(?:\/|%2F)b/);
    t.is((await fetch(`${url}/no%2Fthing`)).status, 404);
    t.is(await shake('/nothing'), 'HTTP/1.1 404 Not Found');
    t.is(await shake('/users/1'), 'HTTP/1.1 200 OK');
  });

  test(`Astro ${major}: nexthop start serves the build without its handler, and forwards other requests with their body`, async (t) => {
    const edge = await startAstroEdge(t, { major, ...OURS });
    const body = randomBytes(8 * 1024 ** 2);

    t.is(await (await fetch(`${edge.url}/users/1`)).text(), await (await fetch(`${edge.url}/users/1?x`)).text());
    t.is((await fetch(`${edge.url}/about`)).status, 200);
    const answer = await fetch(`${edge.url}/upload`, { method: 'POST', body });

    t.is(await answer.text(), 'from the hop');
    t.like(edge.forwarded[0], { url: '/upload', body: createHash('sha256').update(body).digest('hex') });
    t.deepEqual(
      (await edge.accessLines(4)).map(({ target }) => target),
      ['dist/server/entry.mjs', 'dist/server/entry.mjs', 'dist/client/about/index.html', 'next-hop'],
    );
  });

  test(`Astro ${major}: nexthop start with ASTRO_OWNS_404 forwards nothing`, async (t) => {
    const edge = await startAstroEdge(t, { major, ...OURS, env: { ASTRO_OWNS_404: '1' } });

    t.is((await fetch(`${edge.url}/nothing`)).status, 404);
    t.is(edge.forwarded.length, 0);
  });
}

const HANDSHAKE = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
