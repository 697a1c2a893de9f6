import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

test('a file is served under its path with content type, length, validators and request id', async (t) => {
  const server = await serveFiles(t, { 'public/css/main.css': 'a{}' });
  const { status, headers, body } = await server.fetch('/css/main.css?v=1');

  t.is(status, 200);
  t.is(body, 'a{}');
  t.like(headers, {
    'content-type': 'text/css; charset=utf-8',
    'content-length': '3',
    'cache-control': 'public, max-age=0, must-revalidate',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'x-request-id': 'id-of-this',
  });
  t.regex(headers.etag ?? '', /^"[^"]+"$/);
  t.false('vary' in headers);
});

test('the exchange has the facts of the response', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello' });
  await server.fetch('/a.txt');

  t.like(server.exchanges[0], {
    route: '/a.txt',
    response: { sentBytes: 5 },
    contentType: 'text/plain; charset=utf-8',
  });
});

test('HEAD gets the headers of GET and no body', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello', 'public/big.txt': 'x'.repeat(300_000) });

  for (const path of ['/a.txt', '/big.txt']) {
    const { headers: got, body: all } = await server.fetch(path);
    const { headers, body } = await server.fetch(path, {}, 'HEAD');
    t.deepEqual({ ...headers, date: '' }, { ...got, date: '' });
    t.is(headers['content-length'], String(all.length));
    t.is(body, '');
  }
  t.is(server.exchanges[1]?.response.sentBytes, 0);
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
  test(`${method} is never answered by a file`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': 'hello' });

    t.is((await server.fetch('/a.txt', {}, method)).status, 421);
  });
}

const PAGES = {
  'public/index.html': 'home',
  'public/about.html': 'about',
  'public/docs/index.html': 'docs',
  'public/both.html': 'page',
  'public/both/index.html': 'folder',
  'public/same': 'file',
  'public/same.html': 'page',
};

for (const [path, expected] of [
  ['/', 'home'],
  ['/index.html', 'home'],
  ['/about', 'about'],
  ['/about.html', 'about'],
  ['/docs/', 'docs'],
  ['/docs/index.html', 'docs'],
  ['/both', 'page'],
  ['/both/', 'folder'],
  ['/same', 'file'],
  ['/%61bout', 'about'],
  ['/docs', '308 /docs/'],
  ['/docs?a=/b&c', '308 /docs/?a=/b&c'],
  ['/about/?a/', '308 /about?a/'],
  ['/index', '421'],
  ['/about.html/', '421'],
  ['/same/', '421'],
  ['/docs/index.html/', '421'],
  ['/About', '421'],
  ['//', '421'],
  ['//about', '421'],
] as const) {
  test(`a request for ${path} gets ${expected}`, async (t) => {
    const server = await serveFiles(t, PAGES);
    const { status, headers, body } = await server.fetch(path);

    t.is(status === 200 ? body : [status, headers.location].filter(Boolean).join(' '), expected);
  });
}

test('if the platform has a rule for slashes, a page is served with and without a slash at the end', async (t) => {
  const server = await serveFiles(t, PAGES, [{ folder: 'public', slash: 'either' }]);

  for (const [path, expected] of Object.entries({
    '/about/': 'about',
    '/docs': 'docs',
    '/both': 'page',
    '/both/': 'folder',
  })) {
    t.is((await server.fetch(path)).body, expected);
  }
  t.is((await server.fetch('/about.html/')).status, 421);
});

test('names with spaces, percent signs and characters outside of ASCII are found encoded', async (t) => {
  const server = await serveFiles(t, { 'public/a b.txt': '1', 'public/100%.txt': '2', 'public/你/?#&+.txt': '3' });

  t.is((await server.fetch('/a%20b.txt')).body, '1');
  t.is((await server.fetch('/100%25.txt')).body, '2');
  t.is((await server.fetch('/%E4%BD%A0/%3F%23&+.txt')).body, '3');
});

test('an empty file is served as an empty body', async (t) => {
  const server = await serveFiles(t, { 'public/empty.txt': '' });

  t.like(await server.fetch('/empty.txt'), { status: 200, body: '' });
});

test('a request for a deleted file is passed to the fallback', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello', 'public/docs/index.html': 'docs' });
  await rm(join(server.root, 'public/a.txt'));
  await rm(join(server.root, 'public/docs'), { recursive: true });

  t.is((await server.fetch('/a.txt')).status, 421);
  t.is((await server.fetch('/docs/')).status, 421);
});

test('a client that waits for 100 gets the file, and its connection ends', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello' });
  const peer = await server.connect();
  peer.write('GET /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');

  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*hello$/);
});
