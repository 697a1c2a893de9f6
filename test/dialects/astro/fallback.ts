import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { BUILDS, nameOf } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import { type AstroSetup, astroSite } from '../../helpers/astro-site.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { listenersOn } from '../../helpers/socket-listeners.ts';

const LARGE = Buffer.alloc(8 * 1024 ** 2, 'nexthop ');
const HASH = createHash('sha256').update(LARGE).digest('hex');

for (const build of BUILDS) {
  test(`a request for which ${nameOf(build)} has no page is forwarded with a body above FUNCTION_BODY_LIMIT`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: { FUNCTION_BODY_LIMIT: '1m' } });

    await fetch(`${edge.url}/nothing`, { method: 'POST', body: LARGE });
    await fetch(`${edge.url}/about`, { method: 'POST', body: LARGE });

    t.deepEqual(
      edge.forwarded.map(({ method, url, body }) => [method, url, body]),
      [
        ['POST', '/nothing', HASH],
        ['POST', '/about', HASH],
      ],
    );
  });

  test(`with ASTRO_OWNS_404, ${nameOf(build)} answers every other path with its 404 page`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: { ASTRO_OWNS_404: '1' } });

    for (const path of ['/nothing', '/blog/third', '/404', '/users/7/8']) {
      const response = await fetch(edge.url + path);
      t.is(response.status, 404, path);
      t.regex(await response.text(), /Astro knows no such page/, path);
    }
    t.is((await fetch(`${edge.url}/nothing`, { method: 'POST', body: 'a' })).status, 404);
    t.is((await fetch(`${edge.url}/about`)).status, 200);
    t.deepEqual(edge.forwarded, []);
  });

  test(`${nameOf(build)} with an unreadable manifest is reported, gets every request, and its 404 is forwarded`, async (t) => {
    const root = await withoutManifest(await astroSite(t, build));
    const edge = await startAstroEdge(t, { ...build, root });

    const [problem] = edge.edge.site.problems;
    t.regex(problem?.file ?? '', /^dist\/server\/.*\.mjs$/);
    t.regex(
      problem?.message ?? '',
      /cannot be read \("trailingSlash" must be one of always, never, ignore, got as you/,
    );
    t.regex(await textOf(edge, '/users/7'), /User 7/);
    t.regex(await textOf(edge, '/about'), /Prerendered/);
    t.is(await textOf(edge, '/nothing'), 'from the hop');
    t.is((await fetch(`${edge.url}/nothing`, { method: 'HEAD' })).status, 200);
    t.deepEqual(
      edge.forwarded.map(({ method }) => method),
      ['GET', 'HEAD'],
    );
  });
}

for (const major of [5, 7] as const) {
  test(`a large body reaches the hop complete after a middleware build of Astro ${major} calls next`, async (t) => {
    const root = await withoutManifest(await astroSite(t, { major }));
    const edge = await startAstroEdge(t, { major, root, env: { FUNCTION_BODY_LIMIT: '1m' } });

    await fetch(`${edge.url}/nothing`, { method: 'POST', body: LARGE });
    const [line] = await edge.accessLines(1);

    t.is(edge.forwarded[0]?.body, HASH);
    t.like(line, { target: 'next-hop', status: '200' });
  });

  test(`requests that Astro ${major} passes to next leave no listeners on their connection`, async (t) => {
    const root = await withoutManifest(await astroSite(t, { major }));
    const edge = await startAstroEdge(t, { major, root });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());

    const counts: number[] = [];
    for (let count = 0; count < 20; count++) {
      const [response] = (await once(get(`${edge.url}/nothing`, { agent }), 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
      counts.push(listenersOn(edge.port));
    }

    t.is(counts.at(-1), counts[4]);
  });

  test(`a client that expects 100 Continue gets it once, for the hop, after Astro ${major} calls next`, async (t) => {
    const root = await withoutManifest(await astroSite(t, { major }));
    const edge = await startAstroEdge(t, { major, root });
    const peer = await edge.connect();

    peer.write('POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    t.regex(await peer.readHead(), /^HTTP\/1\.1 100 /);
    peer.write('body');

    t.regex(await peer.readHead(), /^HTTP\/1\.1 200 /);
    t.is(edge.forwarded[0]?.body, createHash('sha256').update('body').digest('hex'));
  });
}

test('a standalone build with an unreadable manifest answers 404 to a request with a body', async (t) => {
  const setup: AstroSetup = { major: 7, options: { mode: 'standalone' } };
  const edge = await startAstroEdge(t, { ...setup, root: await withoutManifest(await astroSite(t, setup)) });

  const response = await fetch(`${edge.url}/nothing`, { method: 'POST', body: 'a' });

  t.is(response.status, 404);
  t.deepEqual(edge.forwarded, []);
});

test('headers that a build sets before its 404 are not part of the response of the hop', async (t) => {
  const handler = `response.setHeader('x-left', 'yes'); response.writeHead(404, { 'x-head': 'yes' }); response.end('none');`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler, mode: 'standalone' }) });

  const response = await fetch(`${edge.url}/nothing`);

  t.is(await response.text(), 'from the hop');
  t.is(response.headers.get('x-left'), null);
  t.is(response.headers.get('x-head'), null);
});

test('a response that a build writes after it called next is dropped', async (t) => {
  const handler = `next(); response.setHeader('x-left', 'yes'); response.writeHead(200, {}); response.end('too late');`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });

  const response = await fetch(`${edge.url}/nothing`);

  t.is(await response.text(), 'from the hop');
  t.is(response.headers.get('x-left'), null);
});

test('a WebSocket handshake is forwarded, also for the path of a page', async (t) => {
  const edge = await startAstroEdge(t, { major: 7 });
  const upgraded = 'GET /users/7 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n' as const;

  const answer = await edge.exchange(
    `${upgraded}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );

  t.is(edge.forwarded[0]?.url, '/users/7');
  t.regex(answer, /from the hop/);
});

/** Makes the manifest of a build unreadable. */
async function withoutManifest(root: string): Promise<string> {
  const server = join(root, 'dist/server');
  for (const name of await readdir(server, { recursive: true })) {
    if (!name.endsWith('.mjs')) continue;
    const text = await readFile(join(server, name), 'utf8');
    const hidden = text.replaceAll('"trailingSlash":"ignore"', '"trailingSlash":"as you like"');
    if (hidden !== text) await writeFile(join(server, name), hidden);
  }
  return root;
}

async function textOf({ url }: AstroEdge, path: string): Promise<string> {
  return (await fetch(url + path)).text();
}
