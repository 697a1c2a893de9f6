import test from 'ava';
import { parseManifest } from '../../../../src/dialects/astro/hosted/manifest.ts';

const ROUTE = {
  route: '/users/[id]',
  type: 'page',
  pattern: '^\\/users\\/([^/]+?)\\/?$',
  segments: [[{ content: 'users', dynamic: false, spread: false }], [{ content: 'id', dynamic: true, spread: false }]],
  prerender: false,
  fallbackRoutes: [],
};
const MANIFEST = {
  base: '/shop/',
  trailingSlash: 'ignore',
  buildFormat: 'directory',
  buildClientDir: 'file:///build/dist/client/',
  buildServerDir: 'file:///build/dist/server/',
  routes: [{ routeData: ROUTE, styles: [{ content: '} "brace\\" {' }] }],
};

function moduleOf(manifest: unknown): string {
  return `function deserializeManifest(given) { return given; }\nconst manifest = deserializeManifest(${JSON.stringify(manifest)});\nexport { manifest };`;
}

test('the manifest is found in the text of a module with braces and quotes in its strings', (t) => {
  const found = parseManifest(moduleOf(MANIFEST));

  t.is(found?.base, '/shop');
  t.is(found?.routes[0]?.route, '/users/[id]');
  t.true(found?.routes[0]?.pattern.test('/users/7'));
  t.is(found?.islandBodyLimit, 1024 ** 2);
});

test('a redirect is an on-demand route, though it is marked as prerendered', (t) => {
  const routes = ['page', 'redirect'].map((type) => ({ routeData: { ...ROUTE, type, prerender: true } }));

  const found = parseManifest(moduleOf({ ...MANIFEST, routes }));

  t.deepEqual(
    found?.routes.map(({ isPrerendered }) => isPrerendered),
    [true, false],
  );
});

test("the site's limits for actions and islands are read", (t) => {
  const limits = { actionBodySizeLimit: 5, serverIslandBodySizeLimit: 7 };

  t.like(parseManifest(moduleOf({ ...MANIFEST, ...limits })), { actionBodyLimit: 5, islandBodyLimit: 7 });
  t.like(parseManifest(moduleOf(MANIFEST)), { actionBodyLimit: undefined, islandBodyLimit: 1024 ** 2 });
});

test('a site with a domain for each language has domains', (t) => {
  const i18n = { domainLookupTable: { 'https://shop.example.de': 'de' } };

  t.true(parseManifest(moduleOf({ ...MANIFEST, i18n }))?.hasDomains);
  t.false(parseManifest(moduleOf({ ...MANIFEST, i18n: { domainLookupTable: {} } }))?.hasDomains);
});

const OLD_MANIFEST = {
  hrefRoot: 'file:///build/',
  ...{ base: '/', trailingSlash: 'never', buildFormat: 'file' },
  serverIslandNameMap: [['/build/src/components/Island.astro', 'Island']],
  routes: [{ routeData: ROUTE }],
};

test('a manifest of Astro 4.16 or 5.0 without folders is read', (t) => {
  t.like(parseManifest(moduleOf(OLD_MANIFEST)), { base: '', buildFormat: 'file', folders: undefined });
});

test('the route of islands, which Astro before 5.1 adds when it runs, is the first', (t) => {
  const found = parseManifest(moduleOf(OLD_MANIFEST))?.routes ?? [];

  t.deepEqual(
    found.map(({ route }) => route),
    ['/_server-islands/[name]', '/users/[id]'],
  );
  t.true(found[0]?.pattern.test('/_server-islands/Island'));
  t.false(found[0]?.pattern.test('/_server-islands/Island/'));
});

test('a site without islands has no route of islands', (t) => {
  t.is(parseManifest(moduleOf({ ...OLD_MANIFEST, serverIslandNameMap: [] }))?.routes.length, 1);
});

test('a manifest in two parentheses, as Astro 6 writes it, is read', (t) => {
  const text = `function deserializeManifest(serialized, routes) {}\nconst _manifest = deserializeManifest((${JSON.stringify(MANIFEST)}));`;

  t.is(parseManifest(text)?.base, '/shop');
});

test('a manifest is found in minified code, where the call has another name', (t) => {
  const manifest = { rootDir: 'file:///build/', ...MANIFEST };

  t.is(parseManifest(`const a={"rootDir":1},b=c((${JSON.stringify(manifest)}));`)?.base, '/shop');
});

test('a module without a manifest has none', (t) => {
  t.is(parseManifest('export const handler = () => {};'), undefined);
});

for (const [what, text, reason] of [
  ['that is not closed', moduleOf(MANIFEST).slice(0, 200), /closing brace is missing/],
  ['that is not valid JSON', 'deserializeManifest({ base: "/" })', /not valid JSON/],
  ['of another form', moduleOf({ ...MANIFEST, trailingSlash: 'sometimes' }), /"trailingSlash" must be one of always/],
  ['without routes', moduleOf({ ...MANIFEST, routes: undefined }), /"routes" must be a list, got undefined/],
  ['without a base', moduleOf({ ...MANIFEST, base: 1 }), /"base" must be text, got number/],
  [
    'with an unreadable route',
    moduleOf({ ...MANIFEST, routes: [{ routeData: { ...ROUTE, pattern: '(' } }] }),
    /Unterminated group/,
  ],
] as const) {
  test(`a manifest ${what} is refused with the reason`, (t) => {
    t.throws(() => parseManifest(text), { message: reason });
  });
}
