import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { codingOrigin, getRaw } from '../helpers/coding-origin.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const PAGE = Buffer.from('<p>a page that the origin compresses</p>\n'.repeat(300));

test('a response that a function of any platform fetched and returned arrives decoded', async (t) => {
  const origin = await codingOrigin(t, PAGE);
  const site = await siteFolder(t, {
    'middleware.js': `
      export const config = { matcher: '/middleware' };
      export const middleware = () => fetch('${origin.url}/gzip');`,
    'cloud-functions/edgeone.js': `export const onRequest = () => fetch('${origin.url}/br');`,
    'cloud-functions/copy.js': `export async function onRequest({ request }) {
      const r = await fetch('${origin.url}/zstd', request);
      const copy = new Response(r.body, r);
      copy.headers.append('Set-Cookie', 'own=1');
      return copy;
    }`,
    'cloud-functions/hono/[[default]].js': `
      import { Hono } from 'hono';
      const app = new Hono();
      app.get('/page', () => fetch('${origin.url}/deflate'));
      export default app;`,
    'netlify/functions/rewrite.mjs': `
      export const config = { path: '/netlify' };
      export default (request, context) => context.rewrite('/gzip');`,
    'netlify/functions/cookie.mjs': `
      export const config = { path: '/cookie' };
      export default (request, context) => {
        context.cookies.set('own', '1');
        return fetch('${origin.url}/gzip');
      };`,
    'netlify/functions/lambda.mjs': `
      export const config = { path: '/lambda' };
      export async function handler() {
        const r = await fetch('${origin.url}/br');
        return { statusCode: 200, headers: Object.fromEntries(r.headers), body: await r.text() };
      }`,
  });
  await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));
  const edge = await startEdge(t, { site, env: { NEXT_HOP: origin.url } });

  const paths = ['/middleware', '/edgeone', '/copy', '/hono/page', '/netlify', '/cookie', '/.netlify/functions/lambda'];
  for (const path of paths) {
    const { status, headers, body } = await getRaw(`${edge.url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
    t.is(status, 200, path);
    t.is(headers['content-encoding'], undefined, path);
    t.true(body.equals(PAGE), path);
    const cookies = path === '/copy' || path === '/cookie' ? ['origin=1', 'own=1'] : ['origin=1'];
    t.deepEqual(headers['set-cookie'], cookies, path);
  }
  const { headers, body } = await getRaw(`${edge.url}/gzip`);
  t.is(headers['content-encoding'], 'gzip', 'a response of the hop is unchanged');
  t.true(body.length < PAGE.length);
  t.deepEqual(
    (await edge.errorLines()).filter(({ level }) => level === 'error'),
    [],
  );
});

test('a function gets the fetch and the Response of Node', async (t) => {
  const origin = await codingOrigin(t, PAGE);
  const site = await siteFolder(t, {
    'cloud-functions/f.js': `export async function onRequest() {
      const r = await fetch('${origin.url}/gzip');
      return Response.json({
        fetch: [fetch.name, fetch.length, Object.keys(Object.getOwnPropertyDescriptor(globalThis, 'fetch')).length],
        tee: [ReadableStream.prototype.tee.name, ReadableStream.prototype.tee.length],
        headers: [...r.headers.keys()],
        own: [Object.getOwnPropertyNames(r), Object.getOwnPropertyNames(r.body)],
        text: (await r.clone().text()) === (await r.text()),
        failure: await fetch('http://127.0.0.1:1/').catch((error) => [error.name, error.message]),
        none: await fetch().catch((error) => error.name),
      });
    }`,
  });
  const edge = await startEdge(t, { site });

  t.deepEqual(await (await fetch(`${edge.url}/f`)).json(), {
    fetch: ['fetch', 1, 4],
    tee: ['tee', 0],
    headers: ['connection', 'content-encoding', 'content-length', 'content-type', 'date', 'keep-alive', 'set-cookie'],
    own: [[], []],
    text: true,
    failure: ['TypeError', 'fetch failed'],
    none: 'TypeError',
  });
});
