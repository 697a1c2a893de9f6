import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { listen } from '../../../helpers/listen.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { refusingPort } from '../../../helpers/refusing-port.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const PUBLISH = '[build]\npublish = "out"\n';

type Files = Readonly<Record<string, string>>;

/** A site without a next hop: a request that is forwarded gets 502. */
async function serve(t: ExecutionContext, files: Files, env: Files = {}) {
  const site = await siteFolder(t, files);
  return startEdge(t, { site, env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}`, ...env } });
}

const SPA = {
  'netlify.toml': PUBLISH,
  'out/_redirects': '/old /new\n/* /index.html 200',
  'out/index.html': 'app',
  'out/about.html': 'about',
  'netlify/functions/hello.js':
    'export default () => new Response("hello"); export const config = { path: "/api/hello" };',
};

test('the rule /* /index.html 200 answers each path that no function, file or earlier rule answers', async (t) => {
  const edge = await serve(t, SPA);

  t.regex(await exchange(edge, '/deep/page?x=1'), /^HTTP\/1\.1 200 .*\r\n\r\napp$/s);
  t.regex(await exchange(edge, '/about'), /about$/);
  t.regex(await exchange(edge, '/api/hello'), /hello/);
  t.regex(await exchange(edge, '/API/Hello'), /hello/);
  t.regex(await exchange(edge, '/old'), /^HTTP\/1\.1 301 .*Location: \/new\r/s);
  t.notRegex(await exchange(edge, '/deep/page', 'HEAD'), /app/);
});

test('a site with such a rule forwards no request, whatever its method and its path', async (t) => {
  const edge = await serve(t, SPA);

  for (const [target, method] of [
    ['/deep/page', 'POST'],
    ['/a/%2e%2e/b', 'GET'],
    ['/a%5Cb', 'GET'],
    ['//', 'GET'],
  ] as const) {
    t.regex(await exchange(edge, target, method), /^HTTP\/1\.1 404 /, target);
  }
});

test('a page to which a rule rewrites has its ETag, and conditions and ranges apply to it', async (t) => {
  const edge = await serve(t, SPA);
  const [, tag = ''] = /ETag: (.*)\r/.exec(await exchange(edge, '/x')) ?? [];

  t.regex(await exchange(edge, '/x'), /Cache-Control: public, max-age=0, must-revalidate\r/);
  t.regex(await exchange(edge, '/x', 'GET', { 'If-None-Match': tag }), /^HTTP\/1\.1 304 /);
  t.regex(await exchange(edge, '/x', 'GET', { Range: 'bytes=1-' }), /^HTTP\/1\.1 206 .*\r\n\r\npp$/s);
});

test('a rule may rewrite to a page by its pretty path, and the client is not redirected', async (t) => {
  const edge = await serve(t, {
    'netlify.toml': PUBLISH,
    'out/_redirects': '/a /team 200\n/b /docs 200\n/c /docs/ 200\n/d/* /docs/:splat 200\n/e /team/ 200\n/f /none 200',
    'out/team.html': 'team',
    'out/docs/index.html': 'docs',
    'out/docs/x.txt': 'x',
  });

  for (const [path, body] of Object.entries({
    a: 'team',
    b: 'docs',
    c: 'docs',
    'd/x.txt': 'x',
    'd/': 'docs',
    e: 'team',
  })) {
    t.regex(await exchange(edge, `/${path}`), new RegExp(`^HTTP/1\\.1 200 .*\\r\\n\\r\\n${body}$`, 's'), path);
  }
  t.deepEqual(edge.edge.site.problems, [
    {
      severity: 'warning',
      file: 'out/_redirects',
      line: 6,
      message: '"/none" is neither a file nor a function of this site: requests for "/f" get 404',
    },
  ]);
  // Never the hop, which would answer 502.
  t.regex(await exchange(edge, '/f'), /^HTTP\/1\.1 404 .*not_found/s);
});

test('404.html is the response, with 404, for each path that is not in the published folder, for every method', async (t) => {
  const edge = await serve(t, { 'netlify.toml': PUBLISH, 'out/index.html': 'home', 'out/404.html': 'nothing here' });
  const text = await exchange(edge, '/gone');

  t.regex(text, /^HTTP\/1\.1 404 .*\r\n\r\nnothing here$/s);
  t.regex(text, /Cache-Control: public, max-age=0, must-revalidate\r/);
  const [, tag = ''] = /ETag: (.*)\r/.exec(text) ?? [];
  t.regex(
    await exchange(edge, '/gone', 'GET', { 'If-None-Match': tag, Range: 'bytes=1-' }),
    /^HTTP\/1\.1 404 .*nothing here$/s,
  );
  t.regex(await exchange(edge, '/gone', 'DELETE'), /^HTTP\/1\.1 404 .*nothing here$/s);
  t.regex(await exchange(edge, '/a/..%2fb'), /^HTTP\/1\.1 404 .*nothing here$/s);
  t.regex(await exchange(edge, '/'), /^HTTP\/1\.1 200 .*home$/s);
});

test('a rule with 404 or 410 answers with its page and that status; with force it hides a file', async (t) => {
  const edge = await serve(t, {
    'netlify.toml': PUBLISH,
    'out/_redirects': '/secret/* /404.html 404!\n/past/* /past.html 410\n/lost /none.html 451',
    'out/past.html': 'past',
    'out/404.html': 'none',
    'out/secret/plan.txt': 'plan',
    'out/past/file.txt': 'file',
  });

  t.regex(await exchange(edge, '/secret/plan.txt'), /^HTTP\/1\.1 404 .*none$/s);
  t.regex(await exchange(edge, '/past/x'), /^HTTP\/1\.1 410 .*past$/s);
  t.regex(await exchange(edge, '/past/x', 'POST'), /^HTTP\/1\.1 410 .*past$/s);
  t.regex(await exchange(edge, '/past/file.txt'), /^HTTP\/1\.1 200 .*file$/s);
  t.regex(await exchange(edge, '/lost'), /^HTTP\/1\.1 451 .*none$/s);
});

test('rules of the published folder come before those of the site and of netlify.toml', async (t) => {
  const edge = await serve(t, {
    'netlify.toml': `${PUBLISH}[[redirects]]\nfrom = "/*"\nto = "/toml"\nforce = true`,
    'out/_redirects': '/a /published',
    _redirects: '/a /site\n/b /site',
    'out/toml.html': '',
  });

  t.regex(await exchange(edge, '/a'), /Location: \/published\r/);
  t.regex(await exchange(edge, '/b'), /Location: \/site\r/);
  t.regex(await exchange(edge, '/c'), /Location: \/toml\r/);
});

test('a site that answers every request is reported at start if a next hop is set', async (t) => {
  const server = createServer((_request, response) => response.end('hop'));
  const NEXT_HOP = await listen(t, server);
  const owning = await serve(t, SPA, { NEXT_HOP });
  const open = await serve(t, { 'out/index.html': 'home', 'netlify.toml': PUBLISH }, { NEXT_HOP });

  t.true(owning.edge.site.answersAll);
  t.deepEqual(owning.edge.site.problems, [
    {
      severity: 'warning',
      file: 'out/_redirects',
      line: 2,
      message: 'answers every request that no other route of the site answers: none reaches the next hop',
    },
  ]);
  t.false(open.edge.site.answersAll);
  t.deepEqual(open.edge.site.problems, []);
  t.regex(await exchange(open, '/x'), /hop$/);
});

test('a 404.html of a folder that netlify.toml does not name answers no request', async (t) => {
  const { edge } = await serve(t, { 'public/404.html': 'none', 'public/index.html': 'home' });

  t.false(edge.site.answersAll);
});

test('in development a rule answers with a page that was written after the start', async (t) => {
  const site = await siteFolder(t, { ...SPA, 'out/_redirects': '/x /later 200' });
  const edge = await startEdge(t, { site, env: { DEV: '1' } });
  t.regex(await exchange(edge, '/x'), /^HTTP\/1\.1 404 /);

  await writeFile(join(site, 'out/later.html'), 'later');

  t.regex(await exchange(edge, '/x'), /later$/);
});

test('with a base, its folders and rules are relative to it', async (t) => {
  const edge = await serve(t, {
    'netlify.toml': '[build]\nbase = "packages/shop"\n[context.production]\npublish = "out"',
    'packages/shop/out/index.html': 'shop',
    'packages/shop/out/404.html': 'none',
    'packages/shop/_redirects': '/old /new',
    'packages/shop/netlify/functions/hello.js':
      'export default () => new Response("hello"); export const config = { path: "/hello" };',
    'out/index.html': 'other',
  });

  t.regex(await exchange(edge, '/'), /shop$/);
  t.regex(await exchange(edge, '/x'), /^HTTP\/1\.1 404 .*none$/s);
  t.regex(await exchange(edge, '/old'), /Location: \/new\r/);
  t.regex(await exchange(edge, '/hello'), /hello$/);
});
