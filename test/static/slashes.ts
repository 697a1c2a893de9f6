import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

const FILES = {
  'public/index.html': 'home',
  'public/about.html': 'about',
  'public/docs/index.html': 'docs',
  'public/docs/v1.2/index.html': 'old docs',
  'public/both.html': 'page',
  'public/both/index.html': 'folder',
  'public/same': 'file',
  'public/same.html': 'page of it',
  'public/a.txt': 'text',
  'public/404.html': 'none',
  'public/500.html': 'broken',
  'public/sub/404.html': 'a number',
};

const RULES = {
  always: {
    '/': 'home',
    '/about/': 'about',
    '/docs/': 'docs',
    '/docs/v1.2/': 'old docs',
    '/both/': 'folder',
    '/about': '301 /about/',
    '/about?a=/b&c/': '301 /about/?a=/b&c/',
    '/%61bout': '301 /%61bout/',
    '/docs': '301 /docs/',
    '/docs/v1.2': '301 /docs/v1.2/',
    '/both': '301 /both/',
    '/both.html': 'page',
    '/same': 'file',
    '/same/': '421',
  },
  never: {
    '/': 'home',
    '/about': 'about',
    '/docs': 'docs',
    '/docs/v1.2': 'old docs',
    '/both': 'page',
    '/both/index.html': 'folder',
    '/about/': '301 /about',
    '/docs/?a=/b&c/': '301 /docs?a=/b&c/',
    '/both/': '301 /both',
    '/same': 'file',
    '/same/': '421',
  },
  either: { '/': 'home', '/about': 'about', '/about/': 'about', '/docs': 'docs', '/docs/': 'docs', '/both/': 'folder' },
  one: { '/': 'home', '/about/': '308 /about', '/docs': '308 /docs/' },
} as const;

/** The same with every rule: other files are not redirected, and no path is redirected to another host. */
const COMMON = {
  '/about.html': 'about',
  '/docs/index.html': 'docs',
  '/index.html': 'home',
  '/a.txt': 'text',
  '/a.txt/': '421',
  '/about.html/': '421',
  '/nothing': '421',
  '/nothing/': '421',
  '/_image': '421',
  '//': '421',
  '//about': '421',
  '//about/': '421',
  '//docs': '421',
  '/docs//': '421',
  '/\\docs': '421',
  '/\\docs/': '421',
  '/%5cdocs': '421',
  '/%2fdocs/': '421',
  '///docs/..': '421',
  '/404.html': 'none',
  '/500.html': 'broken',
  '/404': '421',
  '/404/': '421',
  '/500': '421',
} as const;

for (const [slash, rules] of Object.entries(RULES) as [keyof typeof RULES, Readonly<Record<string, string>>][]) {
  for (const [path, expected] of Object.entries({ ...COMMON, ...rules })) {
    test(`with the slash rule '${slash}', a GET or HEAD for ${path} gets ${expected}`, async (t) => {
      const server = await serveFiles(t, FILES, [{ folder: 'public', slash }]);
      const { status, headers, body } = await server.fetch(path);

      t.is(status === 200 ? body : [status, headers.location].filter(Boolean).join(' '), expected);
      t.is((await server.fetch(path, {}, 'HEAD')).status, status);
    });
  }
}

test('a redirect is revalidated, and only GET and HEAD are redirected', async (t) => {
  const server = await serveFiles(t, FILES, [{ folder: 'public', slash: 'always', immutable: ['/'] }]);

  t.is((await server.fetch('/about')).headers['cache-control'], 'public, max-age=0, must-revalidate');
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    t.is((await server.fetch('/about', {}, method)).status, 421, method);
  }
});

test('a 404.html or 500.html that is not at the top is a page like any other', async (t) => {
  const server = await serveFiles(t, FILES);

  t.is((await server.fetch('/sub/404')).body, 'a number');
});

test('if each page has its own folder, a file about.html is not a page', async (t) => {
  const server = await serveFiles(t, FILES, [{ folder: 'public', slash: 'either', htmlPages: false }]);

  t.is((await server.fetch('/about')).status, 421);
  t.is((await server.fetch('/about/')).status, 421);
  t.is((await server.fetch('/about.html')).body, 'about');
  t.is((await server.fetch('/both')).body, 'folder');
});

test('a folder that two dialects name is served once, with the rules of both', async (t) => {
  const server = await serveFiles(t, { 'out/about.html': 'about' }, [
    { folder: 'out' },
    { folder: './out/', slash: 'always' },
    { folder: 'out', base: '/shop' },
  ]);

  t.is((await server.fetch('/about')).headers.location, '/about/');
  t.is((await server.fetch('/shop/about')).body, 'about');
  const paths = server.reading.routes.map(({ pattern }) => pattern.text);
  t.is(new Set(paths).size, paths.length);
});

test('rules for files without a folder apply to the folder that another platform names', async (t) => {
  const files = { 'out/about.html': 'about', 'public/other.txt': 'other' };
  const server = await serveFiles(t, files, [{ slash: 'either' }, { folder: 'out', slash: 'always' }]);

  for (const path of ['/about', '/about/']) t.is((await server.fetch(path)).body, 'about');
  t.is((await server.fetch('/other.txt')).status, 421);
});
