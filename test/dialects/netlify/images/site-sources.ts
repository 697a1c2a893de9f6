import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const TOML = '[build]\npublish = "out"\n';

async function picture(width: number): Promise<Buffer> {
  return sharp({ create: { width, height: width, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
}

async function serve(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Buffer>>,
  env: Record<string, string> = {},
) {
  const site = await siteFolder(t, { 'netlify.toml': TOML, 'out/red.jpg': await picture(100), ...files });
  const edge = await startEdge(t, { site, env });
  const get = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(edge.url + path, { headers });
    const content = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) return String(response.status);
    const { width, format } = await sharp(content).metadata();
    return `${format} ${width}`;
  };
  return { edge, site, get };
}

const FUNCTION = `
  export default async (request) => {
    globalThis.pictureCookies = [...(globalThis.pictureCookies ?? []), request.headers.get("cookie") + request.headers.get("accept-encoding")];
    const url = new URL(request.url);
    if (url.searchParams.has("gone")) return new Response("gone", { status: 410 });
    if (url.searchParams.has("fails")) throw new Error("no picture");
    if (url.searchParams.has("moved")) return new Response(null, { status: 302, headers: { location: "/red.jpg" } });
    if (url.searchParams.has("circle")) return new Response(null, { status: 302, headers: { location: request.url } });
    return new Response(Buffer.from("PICTURE", "base64"), { headers: { "content-type": "image/jpeg" } });
  };
  export const config = { path: "/generated" };`;

test('the source may be the response of a function, which sees the client', async (t) => {
  const { get } = await serve(t, {
    'netlify/functions/generated.js': FUNCTION.replace('PICTURE', (await picture(60)).toString('base64')),
  });

  t.is(await get('/.netlify/images?url=/generated&w=30', { cookie: 'a=1' }), 'jpeg 30');
  t.deepEqual(Reflect.get(globalThis, 'pictureCookies'), ['a=1identity']);
  t.is(await get('/.netlify/images?url=%2Fgenerated%3Fmoved&w=30'), 'jpeg 30');
  t.is(await get('/.netlify/images?url=%2Fgenerated%3Fgone'), '410');
  t.is(await get('/.netlify/images?url=%2Fgenerated%3Ffails'), '500');
  t.is(await get('/.netlify/images?url=%2Fgenerated%3Fcircle'), '502');
  t.is(await get('/.netlify/images?url=/none.jpg'), '404');
});

test('an Express app and a page of an Astro build may send the source', async (t) => {
  const image = (await picture(60)).toString('base64');
  const { get } = await serve(t, {
    'node_modules/express/index.js': `module.exports = require(${JSON.stringify(import.meta.resolve('express'))}.slice(7));`,
    'cloud-functions/api/[[default]].js': `import express from 'express';
      const app = express();
      app.get('/picture', (request, response) => response.type('jpeg').send(Buffer.from('${image}', 'base64')));
      app.get('/piped', (request, response) => {
        response.writeHead(200, { 'content-type': 'image/jpeg' });
        for (const byte of Buffer.from('${image}', 'base64')) response.write(Buffer.of(byte));
        response.end();
      });
      app.get('/cut', (request, response) => { response.write('a'); response.destroy(); });
      app.get('/refused', (request, response) => response.status(403).set('x-why', 'rights').send('no'));
      export default app;`,
    'dist/server/entry.mjs': `// X-Astro-Error
      export const handler = (request, response, next) => {
        if (request.url !== '/page.jpg') return next();
        response.writeHead(200, { 'content-type': 'image/jpeg' });
        response.end(Buffer.from('${image}', 'base64'));
      };
      export const options = { mode: 'middleware' };`,
    'dist/client/robots.txt': '',
  });

  t.is(await get('/.netlify/images?url=/api/picture&w=30'), 'jpeg 30');
  t.is(await get('/.netlify/images?url=/api/piped&w=30'), 'jpeg 30');
  t.is(await get('/.netlify/images?url=/api/cut&w=30'), '500');
  t.is(await get('/.netlify/images?url=/api/refused&w=30'), '403');
  t.is(await get('/.netlify/images?url=/api/none&w=30'), '404');
  t.is(await get('/.netlify/images?url=/page.jpg&w=30'), 'jpeg 30');
});

test('an edge function guards the source, and its refusal is sent as it is', async (t) => {
  const { edge, get } = await serve(t, {
    'netlify/edge-functions/guard.js': `
      export default (request) => {
        if (request.headers.get('cookie') === 'pass=1') return;
        const headers = { 'www-authenticate': 'Bearer', 'content-type': 'text/plain', 'set-cookie': 'a=1' };
        return new Response('who are you?', { status: 401, headers });
      };
      export const config = { path: '/red.jpg' };`,
  });
  const url = `${edge.url}/.netlify/images?url=/red.jpg&w=30`;

  const refusal = await fetch(url);

  t.is(`${refusal.status} ${await refusal.text()}`, '401 who are you?');
  t.is(refusal.headers.get('www-authenticate'), 'Bearer');
  t.deepEqual(refusal.headers.getSetCookie(), ['a=1']);
  t.is((await fetch(url, { method: 'HEAD' })).status, 401);
  t.is(await get('/.netlify/images?url=/red.jpg&w=30', { cookie: 'pass=1' }), 'jpeg 30');
});

test('a URL of the same host is a path of the site', async (t) => {
  const { edge, get } = await serve(t, {});

  t.is(await get(`/.netlify/images?url=${encodeURIComponent(`${edge.url}/red.jpg`)}&w=30`), 'jpeg 30');
});

test('rules may lead to the images, also with force and from the path of the source', async (t) => {
  const { get } = await serve(t, {
    'out/_redirects': [
      '/small/* /.netlify/images?url=/:splat&w=20 200',
      '/red.jpg /.netlify/images?url=/red.jpg&w=30&fm=png 200!',
    ].join('\n'),
  });

  t.is(await get('/small/red.jpg'), 'jpeg 20');
  t.is(await get('/small/red.jpg?w=50&url=/other.jpg'), 'jpeg 20');
  t.is(await get('/red.jpg'), 'png 30');
});

test('a source that a password protects is sent to clients with this password only', async (t) => {
  const { get } = await serve(t, { 'out/_headers': '/*.jpg\n  Basic-Auth: ada:secret' });
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;

  t.is(await get('/.netlify/images?url=/red.jpg&w=10', { authorization }), 'jpeg 10');
  t.is(await get('/.netlify/images?url=/red.jpg&w=10'), '401');
  t.is(await get('/.netlify/images?url=/%2572ed.jpg&w=10'), '401');
});

test('a password for the whole site protects the images too, and is needed once', async (t) => {
  const { get } = await serve(t, { 'out/_headers': '/*\n  Basic-Auth: ada:secret' });
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;

  t.is(await get('/.netlify/images?url=/red.jpg&w=10', { authorization }), 'jpeg 10');
  t.is(await get('/.netlify/images?url=/red.jpg&w=10'), '401');
});

async function sizeOf(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
}

test('images are kept on disk up to the limit, for the next process too, and not those of one client', async (t) => {
  const { get, site } = await serve(t, {
    'out/_headers': '/private/*\n  Cache-Control: private',
    // Of a process that was killed while it wrote.
    '.nexthop/images/left.part': 'half',
    'out/private/blue.jpg': await picture(90),
  });
  const folder = join(site, '.nexthop/images');

  await get('/.netlify/images?url=/red.jpg&w=10');
  await get('/.netlify/images?url=/red.jpg&w=10');
  t.is(await get('/.netlify/images?url=/private/blue.jpg&w=10'), 'jpeg 10');
  const [bytes = 0, ...more] = await sizeOf(folder);
  t.true(bytes > 0);
  t.is(more.length, 0);

  // Room for three of these.
  const small = await startEdge(t, { site, env: { IMAGE_CACHE_LIMIT: String(bytes * 3 + 100) } });
  for (const width of [10, 11, 12, 13, 14, 15]) {
    await (await fetch(`${small.url}/.netlify/images?url=/red.jpg&w=${width}`)).arrayBuffer();
  }
  const kept = await sizeOf(folder);
  t.true(kept.length >= 2 && kept.length <= 3, `${kept}`);
});

test('with the limit 0 nothing is written, and a folder that cannot be written is reported once', async (t) => {
  const none = await serve(t, {}, { IMAGE_CACHE_LIMIT: '0' });
  t.is(await none.get('/.netlify/images?url=/red.jpg&w=10'), 'jpeg 10');
  t.deepEqual(await sizeOf(join(none.site, '.nexthop/images')), []);

  // A file stands in the place of the folder.
  const { edge, get } = await serve(t, { '.nexthop/images': '' });
  t.is(await get('/.netlify/images?url=/red.jpg&w=10'), 'jpeg 10');
  t.is(await get('/.netlify/images?url=/red.jpg&w=11'), 'jpeg 11');
  await edge.close();
  const lines = await edge.errorLines();
  t.is(lines.filter(({ message, msg }) => /images cannot be kept/.test(String(message ?? msg))).length, 1);
});
