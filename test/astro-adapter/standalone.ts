import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ownBuildWithOptions } from '../helpers/astro-builds.ts';
import { sharedEntry, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { connectTo } from '../helpers/peer.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

/** One process of each version for all tests that only send requests. */
const SERVE = { 5: sharedEntry({ major: 5, ...OURS }), 7: sharedEntry({ major: 7, ...OURS }) };
const SERVE_OTHER = { 5: sharedEntry(ownBuildWithOptions(5)), 7: sharedEntry(ownBuildWithOptions(7)) };

/** What the start page shows about its request. */
async function factsOf(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text();
  return JSON.parse(/<pre id="facts"[^>]*>(.*?)<\/pre>/.exec(text)?.[1] ?? '{}');
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: pages, prerendered pages, endpoints, redirects and error pages answer`, async (t) => {
    const { url } = await SERVE[major](t);
    const get = async (path: string, init?: RequestInit) => {
      const answer = await fetch(url + path, { redirect: 'manual', ...init });
      return [answer.status, answer.headers.get('location') ?? (await answer.text()).replace(/<!doctype html>/i, '')];
    };

    t.deepEqual(await get('/users/7'), [200, '<html><body><h1>User 7</h1></body></html>']);
    t.deepEqual(await get('/blog/first'), [200, '<html><body><h1>Post first</h1></body></html>']);
    t.regex(String(await get('/about')), /^200,.*Prerendered/s);
    t.deepEqual(await get('/old'), [301, '/about']);
    t.deepEqual(await get('/nothing'), [404, '<html><body><h1>Astro knows no such page</h1></body></html>']);
    t.deepEqual(await get('/blog/none'), [404, '<html><body><h1>Astro knows no such page</h1></body></html>']);
    t.deepEqual(await get('/failing'), [500, '<html><body><h1>Astro failed</h1></body></html>']);
    t.deepEqual(await get('/api/echo', { method: 'DELETE', headers: { origin: url } }), [
      200,
      JSON.stringify({ method: 'DELETE', url: `${url}/api/echo`, bytes: 0, address: '127.0.0.1' }),
    ]);
  });

  test(`Astro ${major}: a page gets the URL and client address that a trusted proxy sets, and runs the site's middleware`, async (t) => {
    const { url } = await SERVE[major](t);

    const headers = {
      'x-forwarded-proto': 'https',
      'true-client-ip': '203.0.113.9',
      'x-forwarded-host': 'evil.example',
    };
    const answer = await fetch(`${url}/?x=1`, { headers });

    t.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    t.like(await factsOf(answer), {
      url: `${url.replace('http', 'https')}/?x=1`,
      address: '203.0.113.9',
      middleware: 'yes',
    });
  });

  test(`Astro ${major}: a form of the same site is accepted, also behind TLS, and one of another site is refused`, async (t) => {
    const { url } = await SERVE[major](t);
    const send = async (origin: string, proto = 'http') => {
      const headers = { origin, 'x-forwarded-proto': proto };
      return (await fetch(`${url}/form`, { method: 'POST', headers, body: formOf('Ada') })).status;
    };

    t.is(await send(url), 200);
    t.is(await send(url.replace('http', 'https'), 'https'), 200);
    t.is(await send('https://evil.example'), 403);
  });

  test(`Astro ${major}: an action called by a script answers`, async (t) => {
    const { url } = await SERVE[major](t);

    const headers = { 'content-type': 'application/json', origin: url };
    const answer = await fetch(`${url}/_actions/greet`, { method: 'POST', headers, body: '{"name":"Ada"}' });

    t.is(await answer.text(), '["Hello, Ada"]');
  });

  test(`Astro ${major}: a server island answers at the URL in its page`, async (t) => {
    const { url } = await SERVE[major](t);

    const page = await (await fetch(`${url}/islands`)).text();
    const [, path = ''] = /(\/_server-islands\/Island\?[^'"]+)['"]/.exec(page) ?? [];
    const island = await fetch(url + path.replaceAll('&amp;', '&'));

    t.true(page.includes('waiting'));
    t.regex(await island.text(), /<p id="island">island for Ada<\/p>/);
  });

  test(`Astro ${major}: a page streams: its first part is sent while the rest is rendered`, async (t) => {
    const { port } = await SERVE[major](t);
    const peer = await connectTo(t, port);

    peer.write('GET /streamed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answer = await peer.readToEnd();

    t.regex(answer, /transfer-encoding: chunked/i);
    t.regex(answer, /early[\s\S]*\r\n[0-9a-f]+\r\n[\s\S]*late/);
  });

  test(`Astro ${major}: without streaming a page is sent whole, with its length`, async (t) => {
    const { port } = await SERVE_OTHER[major](t);
    const peer = await connectTo(t, port);

    peer.write('GET /streamed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [head = '', body = ''] = (await peer.readToEnd()).split('\r\n\r\n');

    t.regex(head, new RegExp(`content-length: ${body.length}`, 'i'));
    t.regex(body, /early[\s\S]*late/);
  });

  test(`Astro ${major}: secrets are read from the process that serves, and from .env beside dist`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const { url } = await startEntry(t, root, { env: { FIXTURE_SECRET: 'at run time' } });

    t.is(await (await fetch(`${url}/api/secret`)).text(), 'at run time');

    await writeFile(join(root, '.env'), 'FIXTURE_SECRET=of the file\n');
    const other = await startEntry(t, root);
    t.is(await (await fetch(`${other.url}/api/secret`)).text(), 'of the file');
  });

  test(`Astro ${major}: files are sent in their compressed forms, and dot files are not sent`, async (t) => {
    const { url } = await SERVE[major](t);
    const take = async (coding: string) => {
      const answer = await fetch(`${url}/large.txt`, { headers: { 'accept-encoding': coding } });
      return [answer.headers.get('content-encoding'), (await answer.text()).length];
    };

    t.deepEqual(await take('br, gzip'), ['br', 3000]);
    t.deepEqual(await take('gzip'), ['gzip', 3000]);
    t.deepEqual(await take('identity'), [null, 3000]);
    t.is((await fetch(`${url}/.well-known/known.json`)).status, 200);
    for (const path of ['/.env', '/.hidden/file.txt', '/server/entry.mjs', '/../server/nexthop.json']) {
      t.is((await fetch(url + path)).status, 404, path);
    }
  });

  test(`Astro ${major}: TRACE gets 405, and a body above bodySizeLimit, or above that of an island, gets 413`, async (t) => {
    const { url, port } = await SERVE_OTHER[major](t);
    const post = async (path: string, body: RequestInit['body']) =>
      (await fetch(url + path, { method: 'POST', body: body ?? null, headers: { origin: url }, ...HALF })).status;
    const peer = await connectTo(t, port);

    peer.write('TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(await peer.readToEnd(), /^HTTP\/1\.1 405 /);
    t.is(await post('/api/echo', new Uint8Array(2_000_000)), 200);
    t.is(await post('/api/echo', new Uint8Array(2_000_001)), 413);
    t.is(await post('/api/echo', streamOf(2_000_001)), 413);
    t.is(await post('/_server-islands/Island', new Uint8Array(1024 ** 2 + 1)), 413);
    t.is(await post('/_server-islands/Island', streamOf(1024 ** 2 + 1)), 413);
  });

  test(`Astro ${major}: a function beside the build answers its path, and the build answers others`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    await mkdir(join(root, 'cloud-functions/api'), { recursive: true });
    const code = 'export const onRequestGet = () => new Response("a function");';
    await writeFile(join(root, 'cloud-functions/api/hello.js'), code);
    const { url } = await startEntry(t, root);

    t.is(await (await fetch(`${url}/api/hello`)).text(), 'a function');
    t.is((await fetch(`${url}/api/secret`)).status, 200);
  });

  test(`Astro ${major}: the server's code is not served, even if netlify.toml publishes all of dist`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    await writeFile(join(root, 'netlify.toml'), '[build]\npublish = "dist"\n');
    const { url } = await startEntry(t, root);

    t.is((await fetch(`${url}/server/entry.mjs`)).status, 404);
    t.is((await fetch(`${url}/about`)).status, 200);
  });
}

const HALF = { duplex: 'half' } as RequestInit; // the types of Node lack it

function formOf(name: string): FormData {
  const form = new FormData();
  form.set('name', name);
  return form;
}

/** A stream of this many bytes, without a length in advance. */
function streamOf(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    async pull(controller) {
      // A pause between chunks, in which the client can read a response that comes before the end
      // of its body.
      await delay(1);
      const size = Math.min(left, 65_536);
      if (size === 0) return controller.close();
      left -= size;
      controller.enqueue(new Uint8Array(size));
    },
  });
}
