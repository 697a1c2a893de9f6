import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { PathGlob } from '../../../../src/dialects/netlify/rules/path-glob.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { listen } from '../../../helpers/listen.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

for (const [pattern, path, matches] of [
  ['/*', '/', true],
  ['/*', '/a/b', true],
  ['/a', '/a/', true],
  ['/a', '/A', true],
  ['/a', '/ab', false],
  ['/a/*', '/a', true],
  ['/a/*', '/b/a', false],
  ['/a/:x/c', '/a/b/c', true],
  ['/a/:x/c', '/a/b/b/c', false],
  ['/*/c', '/a/b/c', true],
  ['/e*f', '/e/1/f', true],
  ['/*.js', '/a/b.js', true],
  ['/*.js', '/a/bxjs', false],
  ['/a(b', '/a(b', true],
] as const) {
  test(`the header rule for ${pattern} ${matches ? 'matches' : 'does not match'} ${path}`, (t) => {
    t.is(new PathGlob(pattern).matches(path, false), matches);
  });
}

test('for a path that takes too long to compare with several stars the caller chooses the result', (t) => {
  const glob = new PathGlob('/*a*a*a*b');
  const path = `/${'a'.repeat(30_000)}`;

  t.true(glob.matches(path, true));
  t.false(glob.matches(path, false));
});

const SITE = {
  'netlify.toml': `
    [build]
    publish = "out"
    [[headers]]
    for = "/about"
    [headers.values]
    X-Who = "toml"
    Cache-Control = '''
      public,
      max-age=60'''
    [[headers]]
    for = "/api"
    [headers.values]
    X-Who = "toml"`,
  'out/_headers':
    '/*\n  X-Who: all\n  X-Frame-Options: DENY\n/app\n  x-who: app\n/data\n  Content-Type: application/json',
  'out/_redirects': '/app/* /about 200',
  'out/about.html': 'about',
  'out/404.html': 'none',
  'out/data': '{}',
  'netlify/functions/api.js': 'export default () => new Response("api"); export const config = { path: "/api" };',
};

test('headers are set on files, by the requested path; of one name the last rule counts', async (t) => {
  const edge = await startEdge(t, { site: await siteFolder(t, SITE) });
  const about = await exchange(edge, '/about');

  t.regex(about, /X-Who: toml\r/);
  t.regex(about, /X-Frame-Options: DENY\r/);
  t.deepEqual(about.match(/Cache-Control: .*\r/g), ['Cache-Control: public, max-age=60\r']);
  t.regex(await exchange(edge, '/app'), /x-who: app\r/);
  t.regex(await exchange(edge, '/none'), /^HTTP\/1\.1 404 .*X-Who: all\r/s);
  t.deepEqual((await exchange(edge, '/data')).match(/Content-Type: .*\r/g), ['Content-Type: application/json\r']);
  const [, tag = ''] = /ETag: (.*)\r/.exec(about) ?? [];
  t.regex(await exchange(edge, '/about', 'GET', { 'If-None-Match': tag }), /^HTTP\/1\.1 304 .*X-Who: toml\r/s);
});

test('each of thousands of paths gets its own headers, however often it is requested', async (t) => {
  const edge = await startEdge(t, {
    site: await siteFolder(t, {
      ...SITE,
      'out/_headers': '/app/:x/odd\n  X-Who: odd\n/app/:x/even\n  X-Who: even',
    }),
  });
  const paths = Array.from({ length: 1200 }, (_, index) => `/app/${index % 1100}/${index % 2 === 0 ? 'even' : 'odd'}`);
  const requests = paths.map((path, index) => {
    const close = index === paths.length - 1 ? 'Connection: close\r\n' : '';
    return `GET ${path} HTTP/1.1\r\nHost: a\r\n${close}\r\n`;
  });

  const text = await edge.exchange(requests.join(''));

  t.deepEqual(
    text.match(/(?<=X-Who: )\w+/g),
    paths.map((path) => path.split('/')[3] ?? ''),
  );
});

test('a function gets no headers of rules, and a rule for its path or for all functions is reported', async (t) => {
  const ofAll = { _headers: '/.netlify/functions/*\n  X-Who: all\n/.netlify/other\n  X-Who: other' };
  const edge = await startEdge(t, { site: await siteFolder(t, { ...SITE, ...ofAll }) });

  t.notRegex(await exchange(edge, '/api'), /X-Who|X-Frame/);
  t.deepEqual(edge.edge.site.problems, [
    {
      severity: 'warning',
      file: '_headers',
      line: 1,
      message: 'the headers for /.netlify/functions/* are not set: functions answer it, and header rules are for files',
    },
    {
      severity: 'warning',
      file: 'netlify.toml',
      line: 11,
      message: 'the headers for /api are not set: netlify/functions/api.js answers it, and header rules are for files',
    },
  ]);
});

function login(text: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

/** A next hop that responds with the Authorization of the request. */
async function startHop(t: ExecutionContext): Promise<string> {
  const server = createServer(({ headers }, response) => response.end(`hop ${headers.authorization}`));
  server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  return listen(t, server);
}

const GUARDED = {
  'netlify.toml': '[build]\npublish = "out"',
  'out/_headers': '/admin/*\n  Basic-Auth: me:pass:word you:other\n  X-A: 1\n/admin/open\n  Basic-Auth: them:third',
  'out/_redirects': '/admin/old /new 301!',
  'out/admin/page.html': 'page',
  'netlify/functions/call.js':
    'export default () => new Response("called"); export const config = { path: "/admin/call" };',
};

test('Basic-Auth protects files, functions, redirects and responses of the next hop', async (t) => {
  const env = { NEXT_HOP: await startHop(t) };
  const edge = await startEdge(t, { site: await siteFolder(t, GUARDED), env });

  for (const [path, body] of [
    ['/admin/page', /page$/],
    ['/admin/call', /called$/],
    ['/admin/old', /Location: \/new\r/],
    ['/admin/hop', /hop undefined$/],
  ] as const) {
    for (const headers of [{}, login('me:wrong'), login('me'), login('them:third'), { Authorization: 'Bearer x' }]) {
      const refused = await exchange(edge, path, 'GET', headers);
      t.regex(refused, /^HTTP\/1\.1 401 .*WWW-Authenticate: Basic realm="site", charset="UTF-8"\r/s, path);
      t.regex(refused, /Cache-Control: no-store\r/);
    }
    t.regex(await exchange(edge, path, 'GET', login('me:pass:word')), body);
    t.regex(await exchange(edge, path, 'GET', login('you:other')), /Cache-Control: private, no-cache\r/);
  }
  t.regex(await exchange(edge, '/admin/open', 'GET', login('them:third')), /hop undefined$/);
  t.regex(await exchange(edge, '/admin/open', 'GET', login('me:pass:word')), /^HTTP\/1\.1 401 /);
  t.regex(await exchange(edge, '/free', 'GET', login('a:b')), /hop Basic /);
});

test('no spelling of a path passes a Basic-Auth, and neither does a WebSocket', async (t) => {
  const env = { NEXT_HOP: await startHop(t) };
  const edge = await startEdge(t, { site: await siteFolder(t, GUARDED), env });

  for (const target of [
    ...['/ADMIN/page', '//admin/page', '/%61dmin/page', '/x/..%2fadmin/page', '/x/%252e%252e/admin/page'],
    ...['/admin%2Fpage', '/admin%5cpage', '/admin\\page', '/./admin/page', '/admin/page%00'],
  ]) {
    t.regex(await exchange(edge, target), /^HTTP\/1\.1 40[01] /, target);
  }
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const peer = await edge.connect();
  peer.write(
    `GET /admin/ws HTTP/1.1\r\nHost: a\r\n${Object.entries(handshake)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  );
  t.regex(await peer.readHead(), /^HTTP\/1\.1 401 /);
});

test('a Basic-Auth of one path of a page guards all its paths, and the last rule for the page counts', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': '[build]\npublish = "out"',
    'out/_headers':
      '/*\n  Basic-Auth: all:all\n/hidden\n  Basic-Auth: me:one\n/written.html\n  Basic-Auth: me:one\n/folder/index.html\n  Basic-Auth: me:one',
    'out/hidden.html': 'page',
    'out/written.html': 'page',
    'out/folder/index.html': 'page',
    'out/hidden.html.gz': 'coded page',
    'out/index.html': 'home',
  });
  const edge = await startEdge(t, { site });

  for (const path of ['/hidden', '/written', '/folder'])
    for (const end of ['', '/', '.html', '/index', '/index.html', '%2ehtml', '.HTML', '.html.gz', '/index.html.br']) {
      t.regex(await exchange(edge, path + end), /^HTTP\/1\.1 401 /, path + end);
      t.regex(await exchange(edge, path + end, 'GET', login('all:all')), /^HTTP\/1\.1 401 /, path + end);
      // Every reading of an encoded path must be allowed.
      const status = end.includes('%') ? / 401 / : / (?!401)\d{3} /;
      t.regex(await exchange(edge, path + end, 'GET', login('me:one')), status, path + end);
    }
  t.regex(await exchange(edge, '/index.html', 'GET', login('all:all')), /home$/);
});

test('a Basic-Auth that cannot be read closes its path, and is reported without its value', async (t) => {
  const site = await siteFolder(t, { ...GUARDED, 'out/_headers': '/admin/*\n  Basic-Auth: topsecret' });
  const { edge, ...rest } = await startEdge(t, { site });

  t.regex(await exchange(rest, '/admin/page', 'GET', login('topsecret')), /^HTTP\/1\.1 401 /);
  t.regex(await exchange(rest, '/admin/page', 'GET', login('')), /^HTTP\/1\.1 401 /);
  t.is(edge.site.problems.length, 1);
  t.notRegex(JSON.stringify(edge.site.problems), /topsecret/);
});

test('no log has a password', async (t) => {
  const edge = await startEdge(t, { site: await siteFolder(t, GUARDED) });
  await exchange(edge, '/admin/page', 'GET', login('me:pass:word'));
  await exchange(edge, '/admin/page', 'GET', login('me:wrong'));

  const lines = JSON.stringify([await edge.accessLines(2), await edge.errorLines()]);

  t.notRegex(lines, /pass:word|wrong|bWU6/);
});
