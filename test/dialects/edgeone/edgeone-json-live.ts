import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { type ScriptedHop, scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

interface Chain {
  readonly edge: RunningEdge;
  readonly hop: ScriptedHop;
}

/** Starts an edge with the site, in front of a hop that answers each request with its request line. */
async function chain(t: ExecutionContext, json: unknown, files: Readonly<Record<string, string>> = {}): Promise<Chain> {
  const site = await siteFolder(t, { 'edgeone.json': JSON.stringify(json), ...files });
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const [line = ''] = (await peer.readHead()).split('\r\n');
      peer.write(`HTTP/1.1 200 OK\r\nX-Frame-Options: HOP\r\nContent-Length: ${line.length}\r\n\r\n${line}`);
    }
  });
  return { edge: await startEdge(t, { site, env: { NEXT_HOP: hop.url } }), hop };
}

/** The status and Location of the response to a GET. */
async function locationOf(edge: RunningEdge, target: string, host = 'a.example'): Promise<string> {
  const answer = await get(edge, target, host);
  const [, status] = answer.split(' ', 2);
  return `${status} ${headerOf(answer, 'location') ?? ''}`.trim();
}

async function get(edge: RunningEdge, target: string, host = 'a.example'): Promise<string> {
  return edge.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
}

function headerOf(answer: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}: (.*)\r\n`, 'i').exec(answer)?.[1];
}

const HELLO =
  'export const onRequest = ({ request }) => new Response(new URL(request.url).pathname, { headers: { "x-frame-options": "OWN", "set-cookie": "a=1" } });';

const REDIRECTS = [
  { source: '/articles/:id', destination: '/news-articles/:id', statusCode: 301 },
  { source: '/old/*', destination: '/new/:splat', statusCode: 308 },
  { source: '/away', destination: 'https://other.example:8443/x?y=1', statusCode: 302 },
  { source: '/raw/*', destination: '/:splat', statusCode: 302 },
  { source: '/same', destination: '/same', statusCode: 302 },
  { source: '/größe', destination: '/maß', statusCode: 307 },
];

const EXPECTED: Readonly<Record<string, string>> = {
  '/articles/7': '301 /news-articles/7',
  '/articles/7/': '301 /news-articles/7',
  '/articles/a%20b%3F%2541': '301 /news-articles/a%20b%3F%2541',
  '/articles/7/8': '200',
  '/Articles/7': '200',
  '/old': '308 /new/',
  '/old/a/b?q=1&r': '308 /new/a/b?q=1&r',
  '/away?z=2': '302 https://other.example:8443/x?y=1&z=2',
  '/same': '200',
  '/raw//evil.example': '302 /evil.example',
  '/raw/%2fevil.example': '200',
  '//articles/7': '200',
  '/gr%C3%B6%C3%9Fe': '307 /ma%C3%9F',
};

for (const [target, expected] of Object.entries(EXPECTED)) {
  test(`with redirects ${target} is answered ${expected}`, async (t) => {
    const { edge } = await chain(t, { redirects: REDIRECTS });

    t.is(await locationOf(edge, target), expected);
  });
}

const SLASHED: readonly (readonly [slash: boolean, target: string, expected: string])[] = [
  [true, '/a?b=/c', '308 /a/?b=/c'],
  [true, '/a/', '200'],
  [true, '/', '200'],
  [true, '/a/b.css', '200'],
  [true, '/v1.2/a', '308 /v1.2/a/'],
  [false, '/a/', '308 /a'],
  [false, '/a/?b', '308 /a?b'],
  [false, '/a', '200'],
  [false, '/', '200'],
  [false, '//evil.example/', '200'],
  [false, '/\\evil.example/', '200'],
];

for (const [trailingSlash, target, expected] of SLASHED) {
  test(`with trailingSlash ${trailingSlash} ${target} is answered ${expected}`, async (t) => {
    const { edge } = await chain(t, { trailingSlash });

    t.is(await locationOf(edge, target), expected);
  });
}

for (const trailingSlash of [true, false]) {
  test(`with trailingSlash ${trailingSlash} a page has one URL, and the other form redirects to it`, async (t) => {
    const { edge } = await chain(
      t,
      { trailingSlash },
      { 'public/about.html': 'about', 'public/docs/index.html': 'docs' },
    );

    for (const page of ['about', 'docs']) {
      t.true((await get(edge, trailingSlash ? `/${page}/` : `/${page}`)).endsWith(page));
      t.is(await locationOf(edge, trailingSlash ? `/${page}` : `/${page}/`), `308 /${page}${trailingSlash ? '/' : ''}`);
    }
  });
}

const HOSTS: readonly (readonly [source: string, host: string, expected: string])[] = [
  ['$host', 'a.example:8080', '301 http://www.a.example:8080/x?y'],
  ['$host', 'www.a.example', '200'],
  ['$host', '127.0.0.1:80', '200'],
  ['$host', '[::1]', '200'],
  ['$host', 'localhost', '200'],
  ['$wwwhost', 'WWW.a.example', '301 http://a.example/x?y'],
  ['$wwwhost', 'a.example', '200'],
];

for (const [source, host, expected] of HOSTS) {
  test(`a redirect from ${source} answers a request for ${host} with ${expected}`, async (t) => {
    const destination = source === '$host' ? '$wwwhost' : '$host';
    const { edge } = await chain(t, { redirects: [{ source, destination, statusCode: 301 }] });

    t.is(await locationOf(edge, '/x?y', host), expected);
  });
}

test('a rewrite changes the path for functions, files and the hop, and not in the access log', async (t) => {
  const rewrites = [{ source: '/v1/*', destination: '/:splat?v=1' }];
  const { edge } = await chain(t, { rewrites }, { 'cloud-functions/hello.js': HELLO, 'public/a.txt': 'file' });

  t.true((await get(edge, '/v1/hello')).endsWith('\r\n/hello'));
  t.true((await get(edge, '/v1/a.txt')).endsWith('\r\nfile'));
  t.true((await get(edge, '/v1/none?q=2')).endsWith('\r\nGET /none?v=1&q=2 HTTP/1.1'));
  const [first, , last] = await edge.accessLines(3);
  t.is(first?.request, 'GET /v1/hello HTTP/1.1');
  t.is(first?.route, '/hello');
  t.is(last?.target, 'next-hop');
});

test('a rewritten request is forwarded to the hop with its body', async (t) => {
  const site = await siteFolder(t, { 'edgeone.json': '{"rewrites":[{"source":"/a","destination":"/b"}]}' });
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    const body = await peer.readBytes(5);
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${body}`);
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  );

  t.true(answer.endsWith('\r\nhello'));
});

const HEADERS = [
  {
    source: '/*',
    headers: [
      { key: 'X-Frame-Options', value: 'DENY' },
      { key: 'Cache-Control', value: 'max-age=7200' },
    ],
  },
  {
    source: '/assets/*',
    headers: [
      { key: 'Cache-Control', value: 'max-age=9' },
      { key: 'Set-Cookie', value: 'b=2' },
    ],
  },
];

test('headers replace those of functions, files and apps, cookies are added, and the last rule wins', async (t) => {
  const app =
    'import express from "express"; const app = express(); app.get("*all", (_, response) => response.set("X-Frame-Options", "OWN").cookie("a", "1").send("app")); export default app;';
  const { edge } = await chain(
    t,
    { headers: HEADERS },
    {
      'cloud-functions/assets/hello.js': HELLO,
      'public/assets/a.txt': 'file',
      'cloud-functions/assets/app/[[default]].js': app,
      ...EXPRESS,
    },
  );

  for (const [target, body] of [
    ['/assets/hello', '/assets/hello'],
    ['/assets/a.txt', 'file'],
    ['/assets/app/', 'app'],
  ]) {
    const answer = await get(edge, target ?? '');
    t.true(answer.endsWith(`\r\n${body}`), answer);
    t.deepEqual(answer.match(/^x-frame-options: .*$/gim), ['X-Frame-Options: DENY']);
    t.deepEqual(answer.match(/^cache-control: .*$/gim), ['Cache-Control: max-age=9']);
    t.is(answer.match(/^set-cookie: b=2$/gim)?.length, 1);
    if (body !== 'file') t.is(answer.match(/^set-cookie: a=1/gim)?.length, 1);
  }
});

/** A package of the site that loads the Express that is installed here. */
const EXPRESS = {
  'node_modules/express/package.json': '{"name":"express","main":"index.cjs"}',
  'node_modules/express/index.cjs': `module.exports = require(${JSON.stringify(import.meta.resolve('express').replace('file://', ''))});`,
};

test('every spelling of a path is answered with the headers of its rule', async (t) => {
  const headers = [{ source: '/admin/*', headers: [{ key: 'X-Frame-Options', value: 'DENY' }] }];
  const { edge } = await chain(t, { headers }, { 'cloud-functions/[[all]].js': HELLO });

  for (const target of ['/admin/x', '/%61dmin/x', '/admin%2Fx', '/%2Fadmin%2Fx', '/x%2Fy/%2561dmin', '/b/%2561dmin']) {
    const isMatch = /^\/(?:%2F)?(?:a|%61)dmin/.test(target);
    t.is(headerOf(await get(edge, target), 'x-frame-options'), isMatch ? 'DENY' : 'OWN', target);
  }
});

test('headers are not added to responses of the hop, nor to faults', async (t) => {
  const { edge } = await chain(
    t,
    { headers: HEADERS },
    { 'cloud-functions/broken.js': 'export const onRequest = () => { throw new Error("x"); };' },
  );

  const forwarded = await get(edge, '/other');
  const failed = await get(edge, '/broken');

  t.is(headerOf(forwarded, 'x-frame-options'), 'HOP');
  t.is(headerOf(forwarded, 'cache-control'), undefined);
  t.is(headerOf(failed, 'cache-control'), 'no-store');
});

test('a site starts without the invalid rules of its edgeone.json and reports them', async (t) => {
  const redirects = [
    { source: 'old', destination: '/new', statusCode: 301 },
    { source: '/a', destination: '/b', statusCode: 301 },
  ];
  const { edge } = await chain(t, { redirects });

  t.is(await locationOf(edge, '/a'), '301 /b');
  t.is(edge.edge.site.problems[0]?.file, 'edgeone.json');
  t.regex(edge.edge.site.problems[0]?.message ?? '', /^redirects\[0\]\.source must start with "\/"/);
});

test('the access log has the rule of a redirect', async (t) => {
  const { edge } = await chain(t, { redirects: REDIRECTS, trailingSlash: false });

  await get(edge, '/articles/7');
  await get(edge, '/a/');

  const lines = await edge.accessLines(2);
  t.deepEqual(
    lines.map(({ route, target, status }) => [route, target, status]),
    [
      ['/articles/:id', 'edgeone.json', '301'],
      ['trailingSlash', 'edgeone.json', '308'],
    ],
  );
});

test('outputDirectory may be the folder that another platform publishes, written differently or as a link', async (t) => {
  const files = { 'out/about.html': 'about', 'netlify.toml': '[build]\npublish = "out"' };
  const { edge } = await chain(t, { outputDirectory: './out/', trailingSlash: false }, files);
  const site = await siteFolder(t, { ...files, 'edgeone.json': '{"outputDirectory":"link"}' });
  await symlink('out', join(site, 'link'));
  const linked = await startEdge(t, { site });

  t.deepEqual([...edge.edge.site.conflicts, ...linked.edge.site.conflicts], []);
  t.is(new Set(edge.edge.site.routes.map(({ pattern }) => pattern.text)).size, edge.edge.site.routes.length);
  t.true((await get(edge, '/about')).endsWith('\r\nabout'));
  t.true((await get(linked, '/about')).endsWith('\r\nabout'));
  t.is(await locationOf(edge, '/about/'), '308 /about');
});

test('files are served from outputDirectory', async (t) => {
  const { edge } = await chain(t, { outputDirectory: './out/' }, { 'out/a.txt': 'file', 'public/b.txt': 'not this' });

  t.true((await get(edge, '/a.txt')).endsWith('\r\nfile'));
  t.true((await get(edge, '/b.txt')).endsWith('\r\nGET /b.txt HTTP/1.1'));
});
