import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

const FILES = {
  'client/index.html': 'home',
  'client/about/index.html': 'about',
  'client/a.txt': 'text',
  'client/.well-known/x': 'known',
  'client/shop/a.txt': 'deep',
};

const BASES = [
  ['/shop', 'one', { '/shop/': 'home', '/shop': '308 /shop/', '/shop/about': '308 /shop/about/' }],
  ['/shop', 'either', { '/shop/': 'home', '/shop': 'home', '/shop/about': 'about', '/shop/about/': 'about' }],
  ['/shop', 'always', { '/shop/': 'home', '/shop?a': '301 /shop/?a', '/shop/about': '301 /shop/about/' }],
  ['/shop', 'never', { '/shop/': '301 /shop', '/shop': 'home', '/shop/about/': '301 /shop/about' }],
  ['/shop/', 'one', { '/shop/a.txt': 'text', '/shop/': 'home' }],
  ['shop/small', 'one', { '/shop/small/a.txt': 'text', '/shop/a.txt': '421' }],
  ['/', 'one', { '/': 'home', '/a.txt': 'text', '/shop/a.txt': 'deep' }],
  ['/a b/caf\u00e9', 'one', { '/a%20b/caf%C3%A9/a.txt': 'text', '/a%20b/caf%E9/a.txt': '421' }],
] as const;

for (const [base, slash, expectations] of BASES) {
  test(`files of the base ${base} with the slash rule '${slash}' are served under their paths`, async (t) => {
    const server = await serveFiles(t, FILES, [{ folder: 'client', base, slash }]);

    for (const [path, expected] of Object.entries(expectations)) {
      const { status, headers, body } = await server.fetch(path);
      t.is(status === 200 ? body : [status, headers.location].filter(Boolean).join(' '), expected, path);
    }
  });
}

for (const path of ['/', '/a.txt', '/index.html', '/about', '/shopping', '/shop.txt', '/Shop/a.txt', '//shop/a.txt']) {
  test(`${path} outside of the base finds no file`, async (t) => {
    const server = await serveFiles(t, FILES, [{ folder: 'client', base: '/shop' }]);

    t.is((await server.fetch(path)).status, 421);
  });
}

test('a file in a folder with the name of the base has both names in its path', async (t) => {
  const server = await serveFiles(t, FILES, [{ folder: 'client', base: '/shop' }]);

  t.is((await server.fetch('/shop/shop/a.txt')).body, 'deep');
  t.is((await server.fetch('/shop/%61.txt')).body, 'text');
  t.is((await server.fetch('/%73hop/.well-known/x')).body, 'known');
});

test('of two folders with a file of one path the first one is used', async (t) => {
  const files = { 'one/shop/a.txt': 'one', 'two/a.txt': 'two', 'two/b.txt': 'b' };
  const server = await serveFiles(t, files, [{ folder: 'one' }, { folder: 'two', base: '/shop' }]);

  t.is((await server.fetch('/shop/a.txt')).body, 'one');
  t.is((await server.fetch('/shop/b.txt')).body, 'b');
});

test('the listed routes have their base, also in development', async (t) => {
  const folders = [{ folder: 'client', base: '/shop' }];
  const textsOf = async (dev: boolean) =>
    (await serveFiles(t, FILES, folders, { dev })).reading.routes.map(({ pattern }) => pattern.text);

  t.true((await textsOf(false)).every((text) => text.startsWith('/shop')));
  t.deepEqual(await textsOf(true), ['/shop/*']);
});
