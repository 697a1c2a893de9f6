import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const SITE = {
  'cloud-functions/f.js': `export const onRequest = async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return new Response('f', { headers: { 'Server-Timing': 'db;dur=1' } });
  }`,
  'cloud-functions/fail.js': 'export const onRequest = () => { throw new Error("no") }',
  'cloud-functions/cached.js':
    "export const onRequest = () => new Response('c', { headers: { 'CDN-Cache-Control': 'max-age=60' } })",
  'cloud-functions/app/[[default]].js':
    'export default { ready: async () => {}, routing: (request, response) => response.end("app") };',
  'public/file.txt': 'file',
};

const NETLIFY = {
  'netlify/functions/dest.mjs': "export default () => new Response('dest')",
  'netlify/functions/work-background.mjs': 'export default async () => {}',
  'netlify/edge-functions/edge.js':
    "export default (_, context) => context.next(); export const config = { path: '/to/edge' }",
  'middleware.js': "export const middleware = ({ next }) => next(); export const config = { matcher: ['/page.html'] }",
  'public/page.html': 'page',
  'public/contact.html': '<form name="contact" data-netlify="true"><input name="name"></form>',
  'netlify.toml': `
[[redirects]]
  from = "/to/*"
  to = "/.netlify/functions/dest"
  status = 200
[[redirects]]
  from = "/forced/*"
  to = "/.netlify/functions/dest"
  status = 200
  force = true
[[redirects]]
  from = "/file"
  to = "/page.html"
  status = 200`,
};

async function serve(t: ExecutionContext, SERVER_TIMING: string, files: Readonly<Record<string, string>> = SITE) {
  const origin = createServer((_, response) => response.setHeader('Server-Timing', 'origin;dur=2').end('hop'));
  const env = { SERVER_TIMING, NEXT_HOP: `http://127.0.0.1:${await listenOnPort(t, origin)}` };
  const { url } = await startEdge(t, { site: await siteFolder(t, files), env });
  return async (path: string, init?: RequestInit) => (await fetch(`${url}${path}`, init)).headers.get('server-timing');
}

test('a response has the time to its head, and that of its function within', async (t) => {
  const ask = await serve(t, '1');

  const [, db, nexthop, fn] = /^(db;dur=1), nexthop;dur=([\d.]+), fn;dur=([\d.]+)$/.exec((await ask('/f')) ?? '') ?? [];

  t.is(db, 'db;dur=1');
  t.true(Number(fn) >= 29);
  t.true(Number(nexthop) >= Number(fn));
  t.regex((await ask('/app')) ?? '', /^nexthop;dur=[\d.]+, fn;dur=[\d.]+$/);
  t.regex((await ask('/hop')) ?? '', /^origin;dur=2, nexthop;dur=[\d.]+$/);
  t.regex((await ask('/file.txt')) ?? '', /^nexthop;dur=[\d.]+$/);
});

test('no response that the cache stores or sends has times, and no error response', async (t) => {
  const ask = await serve(t, '1');
  await ask('/cached');

  t.deepEqual([await ask('/cached'), await ask('/cached'), await ask('/fail')], [null, null, null]);
});

test('without SERVER_TIMING there are only the times of others', async (t) => {
  const ask = await serve(t, '0');

  t.deepEqual([await ask('/f'), await ask('/hop'), await ask('/file.txt')], ['db;dur=1', 'origin;dur=2', null]);
});

test('the time of a function is there if a rule or a filter leads to it, and not if none ran', async (t) => {
  const ask = await serve(t, '1', NETLIFY);
  const own = /^nexthop;dur=[\d.]+$/;
  const withFunction = /^nexthop;dur=[\d.]+, fn;dur=[\d.]+$/;
  const post = (path: string, body?: URLSearchParams) =>
    untilResult(
      // On a loaded machine the store may take longer than a request waits for it: an error response has no times.
      () => ask(path, { method: 'POST', redirect: 'manual', ...(body && { body }) }),
      (timing) => timing !== null,
    );

  for (const path of ['/to/a', '/forced/a', '/to/edge']) t.regex((await ask(path)) ?? '', withFunction, path);
  // The middleware only lets them pass.
  for (const path of ['/page.html', '/file']) t.regex((await ask(path)) ?? '', own, path);
  t.regex((await post('/.netlify/functions/work-background')) ?? '', own);
  t.regex((await post('/', new URLSearchParams({ 'form-name': 'contact', name: 'a' }))) ?? '', own);
});
