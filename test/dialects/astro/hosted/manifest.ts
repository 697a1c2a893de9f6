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

test('the manifest is found in the text of a module, whatever braces and quotes stand in it', (t) => {
  const found = parseManifest(moduleOf(MANIFEST));

  t.is(found?.base, '/shop');
  t.is(found?.routes[0]?.route, '/users/[id]');
  t.true(found?.routes[0]?.pattern.test('/users/7'));
  t.is(found?.islandBodyLimit, 1024 ** 2);
});

test('a redirect is answered when it is asked for, though it counts as prerendered', (t) => {
  const routes = ['page', 'redirect'].map((type) => ({ routeData: { ...ROUTE, type, prerender: true } }));

  const found = parseManifest(moduleOf({ ...MANIFEST, routes }));

  t.deepEqual(
    found?.routes.map(({ isPrerendered }) => isPrerendered),
    [true, false],
  );
});

test('limits of the site for actions and islands hold here too', (t) => {
  const limits = { actionBodySizeLimit: 5, serverIslandBodySizeLimit: 7 };

  t.like(parseManifest(moduleOf({ ...MANIFEST, ...limits })), { actionBodyLimit: 5, islandBodyLimit: 7 });
});

test('a site that tells languages by host is known for it', (t) => {
  const i18n = { domainLookupTable: { 'https://shop.example.de': 'de' } };

  t.true(parseManifest(moduleOf({ ...MANIFEST, i18n }))?.hasDomains);
  t.false(parseManifest(moduleOf({ ...MANIFEST, i18n: { domainLookupTable: {} } }))?.hasDomains);
});

for (const [what, text] of [
  ['no manifest', 'export const handler = () => {};'],
  ['one that is not closed', moduleOf(MANIFEST).slice(0, 200)],
  ['one that is no JSON', 'deserializeManifest({ base: "/" })'],
  ['one of another form', moduleOf({ ...MANIFEST, trailingSlash: 'sometimes' })],
  ['one without routes', moduleOf({ ...MANIFEST, routes: undefined })],
  ['one whose pattern is none', moduleOf({ ...MANIFEST, routes: [{ routeData: { ...ROUTE, pattern: '(' } }] })],
] as const) {
  test(`nothing is made of a module with ${what}`, (t) => {
    t.is(parseManifest(text), undefined);
  });
}
