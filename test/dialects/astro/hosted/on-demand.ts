import test from 'ava';
import { type MatchablePath, toMatchable } from '../../../../src/contract/path.ts';
import type { Manifest, ManifestRoute, SegmentPart } from '../../../../src/dialects/astro/hosted/manifest.ts';
import { onDemandRoutes } from '../../../../src/dialects/astro/hosted/on-demand.ts';
import { toPattern } from '../../../../src/dialects/astro/hosted/to-routes.ts';
import { otherSlash } from '../../../../src/dialects/astro/own/other-slash.ts';

const BLOG = route('/blog/[slug]', /^\/blog\/([^/]+?)\/?$/, { isPrerendered: true });
const REST = route('/[...rest]', /^(?:\/(.*?))?\/?$/);

test('an on-demand route after a prerendered one answers paths without a file, if this Astro tries later routes', (t) => {
  const found = onDemandRoutes(manifest([BLOG, REST]), true);

  t.deepEqual(fitting(found, '/blog/nothing'), ['/[...rest]']);
});

test('an on-demand route after a prerendered one does not answer paths without a file, if this Astro tries no later routes', (t) => {
  const found = onDemandRoutes(manifest([BLOG, REST]), false);

  t.deepEqual(fitting(found, '/blog/nothing'), []);
  t.deepEqual(fitting(found, '/other'), ['/[...rest]']);
});

test('a route before the prerendered one is not hidden by it', (t) => {
  const found = onDemandRoutes(manifest([REST, BLOG]), false);

  t.deepEqual(fitting(found, '/blog/nothing'), ['/[...rest]']);
});

test('a fallback route of a language is a separate route', (t) => {
  const german = route('/de/users/[id]', /^\/de\/users\/([^/]+?)\/?$/);
  const users = { ...route('/users/[id]', /^\/users\/([^/]+?)\/?$/), fallbackRoutes: [german] };

  t.deepEqual(fitting(onDemandRoutes(manifest([users]), true), '/de/users/7'), ['/de/users/[id]']);
});

test('a path with the wrong slash matches the route of its page', (t) => {
  const slashed = onDemandRoutes(manifest([route('/a', /^\/a\/$/)], 'always'), true);
  const bare = onDemandRoutes(manifest([route('/a', /^\/a$/)], 'never'), true);

  t.deepEqual(fitting(slashed, '/a'), ['/a']);
  t.deepEqual(fitting(bare, '/a/'), ['/a']);
});

test('a match with the wrong slash has the location of the page, encoded and with the base', (t) => {
  const page = route('/a b', /^\/a b\/$/);
  const [found] = onDemandRoutes({ ...manifest([page], 'always'), base: '/shop' }, true);

  t.deepEqual(found?.fits(pathOf('/shop/a%20b')), { location: '/shop/a%20b/' });
  t.deepEqual(found?.fits(pathOf('/shop/a%20b/')), {});
});

for (const [trailingSlash, wrong, right] of [
  ['always', '/shop', '/shop/'],
  ['never', '/shop/', '/shop'],
] as const) {
  test(`with trailingSlash ${trailingSlash} the start page of a base is at ${right}`, (t) => {
    const [found] = onDemandRoutes({ ...manifest([route('/', /^\/$/)], trailingSlash), base: '/shop' }, true);

    t.deepEqual(found?.fits(pathOf(wrong)), { location: right });
    t.deepEqual(found?.fits(pathOf(right)), {});
  });
}

for (const path of ['/v/1.2.3', '/v/x.json', '/_image', '/@x', '/.x', '//v/1']) {
  test(`${path} gets no slash`, (t) => {
    t.is(otherSlash(path, 'always'), undefined);
  });
}

test('a path with a dot but without an extension gets a slash', (t) => {
  t.is(otherSlash('/v/1.2.3-beta', 'always'), '/v/1.2.3-beta/');
});

test('a path with an extension matches no route with a slash', (t) => {
  const found = onDemandRoutes(manifest([route('/a.xml', /^\/a\.xml\/$/)], 'always'), true);

  t.deepEqual(fitting(found, '/a.xml'), []);
});

for (const [segments, base, text, kinds] of [
  [[], '', '/', []],
  [[], '/shop', '/shop', ['literal']],
  [[fixed('users'), dynamic('id')], '/shop', '/shop/users/:id', ['literal', 'literal', 'param']],
  [[[...dynamic('id'), ...fixed('.json')]], '', '/:id', ['param']],
  [[fixed('a'), spread('path')], '', '/a/*path', ['literal', 'catch-all']],
  [[spread('path'), fixed('edit')], '', '/*path', ['catch-all']],
] as const) {
  test(`a route becomes the pattern ${text} below the base "${base}"`, (t) => {
    const pattern = toPattern(base, segments);

    t.is(pattern.text, text);
    t.deepEqual(
      pattern.segments.map(({ kind }) => kind),
      [...kinds],
    );
  });
}

function route(text: string, pattern: RegExp, parts: Partial<ManifestRoute> = {}): ManifestRoute {
  return { route: text, type: 'page', pattern, segments: [], isPrerendered: false, fallbackRoutes: [], ...parts };
}

function manifest(routes: readonly ManifestRoute[], trailingSlash: Manifest['trailingSlash'] = 'ignore'): Manifest {
  return {
    base: '',
    trailingSlash,
    buildFormat: 'directory',
    assetsDir: '_astro',
    folders: undefined,
    routes,
    hasDomains: false,
    actionBodyLimit: 0,
    islandBodyLimit: 0,
  };
}

function fitting(found: ReturnType<typeof onDemandRoutes>, target: string): readonly string[] {
  return found.filter(({ fits }) => fits(pathOf(target))).map((each) => each.route.route);
}

function pathOf(target: string): MatchablePath {
  const path = toMatchable(target);
  if (!path) throw new Error(`${target} matches nothing`);
  return path;
}

function fixed(content: string): SegmentPart[] {
  return [{ content, dynamic: false, spread: false }];
}

function dynamic(content: string): SegmentPart[] {
  return [{ content, dynamic: true, spread: false }];
}

function spread(content: string): SegmentPart[] {
  return [{ content: `...${content}`, dynamic: true, spread: true }];
}
