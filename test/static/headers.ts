import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

const FOR_EVER = 'public, max-age=31536000, immutable';
const REVALIDATE = 'public, max-age=0, must-revalidate';

const FILES = {
  'client/index.html': 'home',
  'client/about/index.html': 'about',
  'client/about/team.html': 'team',
  'client/404.html': 'none',
  'client/a.txt': '0123456789',
  'client/built/plain.js': 'code',
  'client/built/page.html': 'page',
  'client/builtin/plain.js': 'code',
  'client/_astro/plain.js': 'code',
};

test('files below an immutable path are immutable, and so are files with a hash in their name', async (t) => {
  const server = await serveFiles(t, FILES, [{ folder: 'client', base: '/shop', immutable: ['/built/'] }]);
  const cacheOf = async (path: string) => (await server.fetch(path)).headers['cache-control'];

  t.is(await cacheOf('/shop/built/plain.js'), FOR_EVER);
  t.is(await cacheOf('/shop/built/page'), FOR_EVER);
  t.is(await cacheOf('/shop/_astro/plain.js'), FOR_EVER);
  t.is(await cacheOf('/shop/builtin/plain.js'), REVALIDATE);
  t.is(await cacheOf('/shop/a.txt'), REVALIDATE);
});

for (const [status, requestHeaders] of [
  [200, {}],
  [206, { Range: 'bytes=0-1' }],
  [304, { 'If-None-Match': '*' }],
  [412, { 'If-Match': '"other"' }],
  [416, { Range: 'bytes=99-' }],
] as const) {
  test(`a ${status} ${status < 400 ? 'is' : 'is not'} immutable and has ${status < 400 ? '' : 'not '}the headers of its page`, async (t) => {
    const headers = new Map([['/built/plain.js', [['X-Of-Page', 'yes']] as const]]);
    const server = await serveFiles(t, FILES, [{ folder: 'client', immutable: ['/built/'], headers }]);
    const answer = await server.fetch('/built/plain.js', requestHeaders);

    t.is(answer.status, status);
    t.is(answer.headers['cache-control'], status < 400 ? FOR_EVER : undefined);
    t.is(answer.headers['x-of-page'], status < 400 ? 'yes' : undefined);
  });
}

test('a missing file below an immutable path gets no headers', async (t) => {
  const server = await serveFiles(t, FILES, [{ folder: 'client', immutable: ['/built/'] }]);
  const { status, headers } = await server.fetch('/built/old.js');

  t.is(status, 421);
  t.false('cache-control' in headers);
});

test('a page has its headers under each of its paths, and no other page has them', async (t) => {
  const policy = (text: string) => [['Content-Security-Policy', text]] as const;
  const headers = new Map([
    ['/', policy('home')],
    ['/about/', policy('about')],
    ['/404', policy('none')],
    ['/a.txt', policy('text')],
  ]);
  const server = await serveFiles(t, FILES, [{ folder: 'client', base: '/shop', slash: 'either', headers }]);
  const policyOf = async (path: string, method = 'GET') =>
    (await server.fetch(path, {}, method)).headers['content-security-policy'];

  for (const path of ['/about', '/about/', '/about/index.html']) t.is(await policyOf(`/shop${path}`), 'about', path);
  t.is(await policyOf('/shop/about', 'HEAD'), 'about');
  for (const path of ['', '/', '/index.html']) t.is(await policyOf(`/shop${path}`), 'home', path);
  t.is(await policyOf('/shop/404.html'), 'none');
  t.is(await policyOf('/shop/a.txt'), 'text');
  t.is(await policyOf('/shop/about/team'), undefined);
});

test('a page can set Cache-Control; headers that describe the content, and invalid headers, are not used', async (t) => {
  const given = [
    ['cache-control', 's-maxage=60'],
    ['Vary', 'Cookie'],
    ['Content-Length', '1'],
    ['ETag', '"x"'],
    ['Transfer-Encoding', 'chunked'],
    ['X-Broken', 'a\r\nb'],
    ['X Broken', 'a'],
    ['Link', '</a>'],
    ['Link', '</b>'],
  ] as const;
  const server = await serveFiles(t, FILES, [{ folder: 'client', headers: new Map([['/a.txt', given]]) }]);
  const { status, headers, body } = await server.fetch('/a.txt');
  const raw = await server.exchange('GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.is(status, 200);
  t.like(headers, { 'cache-control': 's-maxage=60', vary: 'Cookie', 'content-length': '10' });
  t.not(headers.etag, '"x"');
  t.is(body, '0123456789');
  t.deepEqual(raw.match(/^Link: .*$/gm), ['Link: </a>', 'Link: </b>']);
  t.deepEqual(
    server.reading.problems.map(({ file, message }) => `${file} ${message}`.replace(/(sent): .*/, '$1')),
    [
      'client of /a.txt: the header Content-Length is set by nexthop alone',
      'client of /a.txt: the header ETag is set by nexthop alone',
      'client of /a.txt: the header Transfer-Encoding is set by nexthop alone',
      'client of /a.txt: the header X-Broken cannot be sent',
      'client of /a.txt: the header X Broken cannot be sent',
    ],
  );
});
