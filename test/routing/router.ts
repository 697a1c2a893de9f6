import test from 'ava';
import type { MatchablePath } from '../../src/contract/path.ts';
import type { Router } from '../../src/contract/route.ts';
import type { Params } from '../../src/contract/target.ts';
import { createRouter } from '../../src/routing/router.ts';
import { route } from '../helpers/route.ts';

/** The files of the section "Routing" in the platform's document. */
const PAGE = routerOf(
  '/',
  '/hello-pages',
  '/helloworld',
  '/api/users/list',
  '/api/users/geo',
  '/api/users/:id',
  '/api/visit',
  '/api/*default',
);

const ANSWERS: readonly (readonly [target: string, ...patterns: string[]])[] = [
  ['/', '/'],
  ['/hello-pages', '/hello-pages'],
  ['/hello-pages/', '/hello-pages'],
  ['/hello-pages?x=/api', '/hello-pages'],
  ['/HelloWorld'],
  ['/api/users/list', '/api/users/list', '/api/users/:id', '/api/*default'],
  ['/api/users/1024', '/api/users/:id', '/api/*default'],
  ['/api/users/1024/', '/api/users/:id', '/api/*default'],
  ['/api/users/vip/1024', '/api/*default'],
  ['/api/Users/1024', '/api/*default'],
  ['/api/visit', '/api/visit', '/api/*default'],
  ['/api/books//list', '/api/*default'],
  ['/api'],
  ['/api/'],
  ['/api//'],
  ['/api//users'],
  ['//'],
  ['//hello-pages'],
  ['/v2/vip/1024'],
  ['/api/users/a%2Fb', '/api/users/:id', '/api/*default'],
  ['/api/users%2Flist', '/api/*default'],
  ['/api%2Fvisit'],
  ['/hello-pages%2F'],
  ['/api/%zz'],
  ['/api/../hello-pages'],
  ['/api/%2e%2e/hello-pages'],
  ['http://host/hello-pages'],
];

for (const [target, ...patterns] of ANSWERS) {
  test(`${target} matches ${patterns.join(', then ') || 'no pattern'}`, (t) => {
    t.deepEqual(found(PAGE, target), patterns);
  });
}

test('a parameter is a decoded string', (t) => {
  const router = routerOf('/api/posts/:postId/comments/:cid');

  t.deepEqual(paramsOf(router, '/api/posts/a%20b/comments/%E4%BD%A0?x'), { postId: 'a b', cid: '你' });
});

test('an encoded slash is part of a parameter, and of one segment of a catch-all', (t) => {
  t.deepEqual(paramsOf(routerOf('/users/:id'), '/users/a%2Fb%20c'), { id: 'a/b c' });
  t.deepEqual(paramsOf(routerOf('/users/*rest'), '/users/a%2Fb/c'), { rest: ['a%2Fb', 'c'] });
  t.deepEqual(found(routerOf('/a/b', '/a%2Fb'), '/a%2Fb'), []);
});

test('a catch-all is an array of raw segments, with inner empty ones', (t) => {
  const router = routerOf('/api/*default');

  t.deepEqual(paramsOf(router, '/api/one'), { default: ['one'] });
  t.deepEqual(paramsOf(router, '/api/books//%E4%BD%A0/a%20b/'), { default: ['books', '', '%E4%BD%A0', 'a%20b'] });
});

test('a parameter comes before a catch-all', (t) => {
  t.deepEqual(paramsOf(routerOf('/u/:name/*rest'), '/u/b%6Fb/x/%79'), { name: 'bob', rest: ['x', '%79'] });
});

test('a catch-all at the root matches every path except the root', (t) => {
  const router = routerOf('/*all');

  t.deepEqual(paramsOf(router, '/a/b'), { all: ['a', 'b'] });
  t.deepEqual(found(router, '/'), []);
});

test('params inherit nothing, and a parameter may have any name', (t) => {
  const params = paramsOf(routerOf('/:__proto__/:constructor'), '/a/b');

  t.false('toString' in (params ?? {}));
  t.deepEqual(Object.entries(params ?? {}), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('literal routes share one empty frozen object', (t) => {
  const router = routerOf('/a', '/b');
  const params = paramsOf(router, '/a');

  t.is(paramsOf(router, '/b'), params);
  t.true(Object.isFrozen(params));
  t.false('toString' in (params ?? {}));
});

test('params are the same object at each read', (t) => {
  const [candidate] = routerOf('/:id').find('GET', '/7');

  t.is(candidate?.params, candidate?.params);
});

test('routes with patterns of one shape keep their own parameter names', (t) => {
  const router = createRouter([route('/a/:first'), route('/a/:second')]);

  t.deepEqual(
    router.find('GET', '/a/7').map(({ params }) => ({ ...params })),
    [{ first: '7' }, { second: '7' }],
  );
});

test('a route without the method is not a candidate', (t) => {
  const router = createRouter([
    route('/a', { methods: ['POST', 'PUT'] }),
    route('/a', { methods: ['GET'], file: 'second' }),
    route('/:x', { methods: ['GET'] }),
    route('/*x'),
  ]);

  t.deepEqual(found(router, '/a', 'PUT'), ['/a', '/*x']);
  t.deepEqual(found(router, '/a', 'GET'), ['/a', '/:x', '/*x']);
  t.deepEqual(found(router, '/a', 'HEAD'), ['/*x']);
  t.deepEqual(found(router, '/a', 'get'), ['/*x']);
  t.deepEqual(found(createRouter([route('/a', { methods: ['POST'] })]), '/a', 'GET'), []);
});

test('a route of an earlier step comes first, also before a better pattern', (t) => {
  const router = createRouter([route('/a', { step: 4 }), route('/:x', { step: 2 }), route('/*x', { step: 5 })]);

  t.deepEqual(found(router, '/a'), ['/:x', '/a', '/*x']);
});

test('all paths without a route get the same empty list', (t) => {
  const fallback = createRouter([]).find('GET', '/');

  for (const target of ['/none', '/api%2f', '/api', '*']) t.is(PAGE.find('GET', target), fallback, target);
  t.is(createRouter([route('/a', { methods: ['GET'] })]).find('POST', '/a'), fallback);
  t.is(createRouter([route('/:a', { methods: ['GET'] })]).find('POST', '/a'), fallback);
});

test('a literal route in a large site is found without creating an object', (t) => {
  const router = createRouter(Array.from({ length: 10_000 }, (_, index) => route(`/page/${index}`)));

  t.deepEqual(found(router, '/page/9999'), ['/page/9999']);
  t.is(router.find('GET', '/page/9999'), router.find('GET', '/page/9999/?again'));
});

test('each of ten thousand routes is found', (t) => {
  const patterns = Array.from({ length: 10_000 }, (_, index) => `/api/v${index}/${index % 2 ? ':id' : '*rest'}`);
  const router = routerOf(...patterns);

  t.deepEqual(
    patterns.flatMap((_, index) => found(router, `/api/v${index}/x`)),
    patterns,
  );
});

test("a route's `match` decides, and its params are used unchanged", (t) => {
  const params = Object.freeze({ id: '%37' });
  const pattern = {
    ...route('/item/:x').pattern,
    match: fits((path) => (path.raw.endsWith('%37') ? params : undefined)),
  };
  const router = createRouter([route('/item/:x', { pattern }), route('/*rest')]);

  t.is(paramsOf(router, '/item/%37'), params);
  t.deepEqual(found(router, '/item/%37'), ['/item/:x', '/*rest']);
  t.deepEqual(found(router, '/item/8'), ['/*rest']);
});

test('`match` is called only if the segments and the method match', (t) => {
  let asked = 0;
  const pattern = {
    ...route('/item/:x').pattern,
    match: fits(() => {
      asked += 1;
      return {};
    }),
  };
  const router = createRouter([route('/item/:x', { pattern, methods: ['GET'] })]);

  for (const target of ['/item', '/item/a/b', '/other/a', '/item/..']) t.deepEqual(found(router, target), []);
  t.deepEqual(found(router, '/item/a', 'POST'), []);
  t.is(asked, 0);
  t.deepEqual(found(router, '/item/a'), ['/item/:x']);
});

test('a literal path may have a `match`, without effect on other routes of the path', (t) => {
  const pattern = { ...route('/a').pattern, match: fits(({ slashed }) => (slashed ? {} : undefined)) };
  const router = createRouter([route('/a', { pattern, file: 'picky' }), route('/a', { file: 'plain' })]);

  t.deepEqual(filesOf(router, '/a'), ['plain']);
  t.deepEqual(filesOf(router, '/a/?x'), ['picky', 'plain']);
});

test('a catch-all with `orNone` also matches no segment and empty segments', (t) => {
  const segments = [
    { kind: 'literal', text: 'a' },
    { kind: 'catch-all', name: '', orNone: true },
  ] as const;
  const router = createRouter([route('/a/*', { pattern: { text: '/a/*', segments } })]);

  for (const target of ['/a', '/a/', '/a/b', '/a//b', '/a/b/c']) t.deepEqual(found(router, target), ['/a/*'], target);
  for (const target of ['/', '/b', '/ab']) t.deepEqual(found(router, target), [], target);
});

test('a route with `anyCase` is found by the path in lower case when no route matches the path as received', (t) => {
  const router = createRouter([
    route('/products/:id', { anyCase: true }),
    route('/about', { anyCase: true }),
    route('/Products/:id'),
    route('/strict'),
  ]);

  t.deepEqual(found(router, '/ABOUT'), ['/about']);
  t.deepEqual(found(router, '/PRODUCTS/7'), ['/products/:id']);
  t.deepEqual(found(router, '/Products/7'), ['/Products/:id']);
  t.deepEqual(found(router, '/STRICT'), []);
  t.deepEqual(found(router, '/%41bout'), ['/about']);
});

test('a `match` gets the information that case does not matter', (t) => {
  const seen: [text: string, raw: string, anyCase: boolean][] = [];
  const pattern = {
    ...route('/item/:x').pattern,
    match: fits(({ text, raw, anyCase }) => {
      seen.push([text, raw, anyCase]);
      return {};
    }),
  };
  const router = createRouter([route('/item/:x', { pattern, anyCase: true })]);

  found(router, '/item/A');
  found(router, '/Item/%C3%84');

  t.deepEqual(seen, [
    ['/item/A', '/item/A', false],
    ['/item/\u00e4', '/Item/%C3%84', true],
  ]);
});

test('a route for a host is found for that host, in any case and with any port, in its place', (t) => {
  const hosts = ['b.example', undefined, 'a.example', '[::1]'];
  const routes = hosts.map((host, rank) => {
    const { pattern } = route('/x');
    return route('/x', { rank, file: host ?? 'any', pattern: { ...pattern, ...(host !== undefined && { host }) } });
  });
  const router = createRouter(routes);
  const find = (host?: string) => router.find('GET', '/x', host).map((candidate) => candidate.route.file);

  t.deepEqual(find('a.example'), ['any', 'a.example']);
  t.deepEqual(find('B.example:8080'), ['b.example', 'any']);
  t.deepEqual(find('[::1]:80'), ['any', '[::1]']);
  t.deepEqual(find(''), ['any']);
  t.deepEqual(find(), ['b.example', 'any', 'a.example', '[::1]']);
  t.deepEqual(router.find('GET', '/y', 'a.example'), []);
});

function fits(match: (path: MatchablePath) => Params | undefined): (path: MatchablePath) => Params | undefined {
  return match;
}

function filesOf(router: Router, target: string): string[] {
  return router.find('GET', target).map((candidate) => candidate.route.file);
}

function routerOf(...patterns: readonly string[]): Router {
  return createRouter(patterns.map((text) => route(text)));
}

function found(router: Router, target: string, method = 'GET'): string[] {
  return router.find(method, target).map((candidate) => candidate.route.pattern.text);
}

function paramsOf(router: Router, target: string): Params | undefined {
  return router.find('GET', target)[0]?.params;
}
