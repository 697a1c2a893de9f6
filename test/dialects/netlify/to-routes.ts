import test from 'ava';
import type { Declaration, FunctionConfig } from '../../../src/dialects/netlify/find/declaration.ts';
import { type FunctionRoutes, toRoutes } from '../../../src/dialects/netlify/to-routes.ts';
import { createRouter } from '../../../src/routing/router.ts';

test('a function without a path has its default URL and all paths below it', (t) => {
  const { routes } = open('hello');

  t.deepEqual(
    routes.map(({ pattern, step }) => [pattern.text, step]),
    [['/.netlify/functions/hello', 2]],
  );
  for (const target of [
    '/.netlify/functions/hello',
    '/.netlify/functions/hello/',
    '/.netlify/functions/hello/a//b?x',
  ]) {
    t.deepEqual(targetsOf([{ routes }], target), ['hello at undefined with {}'], target);
  }
  for (const target of ['/.netlify/functions/hello2', '/.netlify/functions', '/.netlify/builders/hello', '/hello']) {
    t.deepEqual(targetsOf([{ routes }], target), [], target);
  }
  t.deepEqual(targetsOf([{ routes }], '/.netlify/functions/Hello'), []);
});

test('a Lambda-compatible function also has the URL of builders', (t) => {
  const opened = [open('page', {}, { generation: 'lambda' })];

  t.deepEqual(targetsOf(opened, '/.netlify/functions/page'), ['page at undefined with {}']);
  t.deepEqual(targetsOf(opened, '/.netlify/builders/page/a'), ['page at undefined with {}']);
});

test('a background function has no URL of builders', (t) => {
  const opened = [open('mail', { background: true }, { generation: 'lambda' })];

  t.deepEqual(targetsOf(opened, '/.netlify/functions/mail'), ['mail at undefined with {}']);
  t.deepEqual(targetsOf(opened, '/.netlify/builders/mail'), []);
});

test('a path removes the default URL', (t) => {
  const opened = [open('hello', { paths: ['/hi/:who'] }, { generation: 'lambda' })];

  t.deepEqual(targetsOf(opened, '/hi/a%20b'), ['hello at /hi/:who with {"who":"a%20b"}']);
  t.deepEqual(targetsOf(opened, '/.netlify/functions/hello'), []);
  t.deepEqual(targetsOf(opened, '/.netlify/builders/hello'), []);
});

test('a method that is not declared does not match, and GET does not imply HEAD', (t) => {
  const opened = [open('hello', { paths: ['/hi'], methods: ['GET', 'POST'] })];

  t.deepEqual(
    ['GET', 'POST', 'HEAD', 'PUT'].map((method) => targetsOf(opened, '/hi', method).length),
    [1, 1, 0, 0],
  );
});

test('an excluded path matches none of the paths of the function', (t) => {
  const opened = [
    open('shop', {
      paths: ['/shop/*', '/shop/cart', '/sale/:id'],
      excludedPaths: ['/shop/:page.css', '/*/cart', '/sale/1'],
    }),
  ];

  t.deepEqual(targetsOf(opened, '/shop/a'), ['shop at /shop/* with {"0":"a"}']);
  t.deepEqual(targetsOf(opened, '/sale/2'), ['shop at /sale/:id with {"id":"2"}']);
  for (const target of ['/shop/cart', '/shop/cart/', '/shop/a.css', '/sale/1', '/Sale/1', '/%73ale/1']) {
    t.deepEqual(targetsOf(opened, target), [], target);
  }
});

test('a function with an invalid excluded path has no route', (t) => {
  const { routes, problems } = open('shop', { paths: ['/shop/*'], excludedPaths: ['/shop/(a'] });

  t.deepEqual(routes, []);
  t.like(problems[0], { severity: 'error', file: 'netlify/functions/shop.mts' });
  t.regex(problems[0]?.message ?? '', /^excludedPath "\/shop\/\(a" at character 7 .*; the function gets no URL$/);
});

test('an invalid path affects that path only', (t) => {
  const opened = open('shop', { paths: ['/a/(b', '/c'] });

  t.deepEqual(targetsOf([opened], '/c').length, 1);
  t.regex(opened.problems[0]?.message ?? '', /^path "\/a\/\(b" at character 4 .*; the path is not served$/);
});

test('of the paths of one function the first that matches is used, even if another is more specific', (t) => {
  const opened = [open('sale', { paths: ['/sale/*', '/sale/:id', '/sale/new', '/other'] })];

  t.deepEqual(targetsOf(opened, '/sale/new'), ['sale at /sale/* with {"0":"new"}']);
  t.deepEqual(targetsOf(opened, '/other'), ['sale at /other with {}']);
});

test('a path that is listed twice is one route', (t) => {
  t.is(open('a', { paths: ['/a', '/a/'] }).routes.length, 1);
});

test('a path is matched in lower case if no route matches it as received', (t) => {
  const opened = [open('item', { paths: ['/item/:id'] })];

  t.deepEqual(targetsOf(opened, '/ITEM/Ab'), ['item at /item/:id with {"id":"Ab"}']);
});

test('with preferStatic a function comes after the files and the hop', (t) => {
  const { routes } = open('item', { paths: ['/item/:id', '/product/:id'], preferStatic: true });

  t.deepEqual(
    routes.map(({ step, afterFallback }) => [step, afterFallback]),
    [
      [4, true],
      [4, true],
    ],
  );
  t.deepEqual(
    open('item', { paths: ['/item'] }).routes.map(({ step, afterFallback }) => [step, afterFallback]),
    [[2, undefined]],
  );
});

test("a user's function comes before a generated one, one with methods before one for any, then the better path", (t) => {
  const opened = [
    open('generated', { paths: ['/products/new'], methods: ['GET'] }, { generated: true }),
    open('any', { paths: ['/products/new'] }),
    open('all', { paths: ['/*'] }),
    open('delete', { paths: ['/products/:sku'], methods: ['GET', 'DELETE'] }),
    open('first', { paths: ['/products/:id'] }),
    open('second', { paths: ['/products/:sku'] }),
  ];

  t.deepEqual(
    targetsOf(opened, '/products/new').map((text) => text.split(' ')[0]),
    ['delete', 'any', 'first', 'second', 'all', 'generated'],
  );
});

test('no pattern matches a path that the platform reserves', (t) => {
  const opened = [open('all', { paths: ['/*', '/.netlify/x'], methods: ['GET'] }), open('hello')];

  t.deepEqual(targetsOf(opened, '/.netlify/functions/hello'), ['hello at undefined with {}']);
  for (const place of ['functions/gone', 'builders/gone', 'images', 'images/x', 'functions']) {
    t.deepEqual(targetsOf(opened, `/.netlify/${place}?url=x`), [], place);
  }
  t.deepEqual(targetsOf(opened, '/.netlify/x'), ['all at /* with {"0":".netlify/x"}']);
  t.deepEqual(targetsOf(opened, '/'), ['all at /* with {"0":""}']);
});

for (const path of ['/.netlify/images', '/.netlify/functions/other', '/.netlify/builders/other/']) {
  test(`${path} as a function's path is reported and not served`, (t) => {
    const { routes, problems } = open('images', { paths: [path] });

    t.deepEqual(routes, []);
    t.deepEqual(
      problems.map(({ severity, message }) => [severity, message.includes('reserved by the platform')]),
      [['warning', true]],
    );
  });
}

function open(name: string, config: Partial<FunctionConfig> = {}, parts: Partial<Declaration> = {}): FunctionRoutes {
  const file = `netlify/functions/${name}.mts`;
  const declaration: Declaration = {
    name,
    file,
    path: `/site/${file}`,
    generated: false,
    generation: 'modern',
    config: { paths: [], excludedPaths: [], methods: 'any', preferStatic: false, background: false, ...config },
    ...parts,
  };
  return toRoutes(declaration, (path) => ({ name: `${name} at ${path}`, answer: () => 'passed' }));
}

/** The targets that are called, in order, with their params. */
function targetsOf(opened: readonly Pick<FunctionRoutes, 'routes'>[], target: string, method = 'GET'): string[] {
  const router = createRouter(opened.flatMap(({ routes }) => routes));
  return router.find(method, target).map(({ route, params }) => `${route.target.name} with ${JSON.stringify(params)}`);
}
