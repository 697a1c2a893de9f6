import test from 'ava';
import { toRedirectRoutes } from '../../../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { createRouter } from '../../../../src/routing/router.ts';
import { exchange, functionRoutes, type Rule, serveRules, toRule } from '../../../helpers/redirect-server.ts';

type Row = readonly [rule: Rule, target: string, location: string | undefined];

const TABLE: readonly Row[] = [
  [{ from: '/home', to: '/' }, '/home', '/'],
  [{ from: '/home', to: '/' }, '/home/', '/'],
  [{ from: '/home/', to: '/' }, '/home', '/'],
  [{ from: '/home', to: '/' }, '/Home', undefined],
  [{ from: '/home', to: '/' }, '/home/x', undefined],
  [{ from: '/home', to: '/new' }, '/home?a=1&b=%20', '/new?a=1&b=%20'],
  [{ from: '/home', to: '/new?own=1' }, '/home?a=1', '/new?own=1'],
  [{ from: '/home', to: '/new#top' }, '/home?a=1', '/new?a=1#top'],
  [{ from: '/home', to: 'https://b.example' }, '/home', 'https://b.example/'],
  [{ from: '/home', to: 'https://b.example:8443/x' }, '/home?a', 'https://b.example:8443/x?a'],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news/2026/11/x', '/blog/2026/11/x'],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news/a%20b%3F', '/blog/a%20b%3F'],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news', '/blog/'],
  [{ from: '/*', to: 'https://b.example/:splat' }, '/', 'https://b.example/'],
  [{ from: '/*', to: 'https://b.example/:splat' }, '/a/b?c=d', 'https://b.example/a/b?c=d'],
  [
    { from: '/news/:month/:date/:year/:slug', to: '/blog/:year/:month/:date/:slug' },
    '/news/02/12/2004/s',
    '/blog/2004/02/12/s',
  ],
  [{ from: '/news/:a', to: '/blog/:a.html' }, '/news/x', '/blog/x.html'],
  [{ from: '/news/:a', to: '/blog/:other' }, '/news/x', '/blog/:other'],
  [{ from: '/news/:a', to: '/blog?x=:a' }, '/news/a&b=c', '/blog?x=a%26b%3Dc'],
  [{ from: '/caf\u00e9', to: '/b\u00fccher' }, '/caf%C3%A9', '/b%C3%BCcher'],
  [{ from: '/store', to: '/blog/:id', query: { id: ':id' } }, '/store?id=my-post', '/blog/my-post'],
  [
    { from: '/store', to: '/blog/:id', query: { id: ':id' } },
    '/store?x=1&id=a%2F..%20b&y=2',
    '/blog/a%2F..%20b?x=1&y=2',
  ],
  [{ from: '/store', to: '/blog/:id', query: { id: ':id' } }, '/store', undefined],
  [{ from: '/store', to: '/blog/:id', query: { id: ':id' } }, '/store?id=', '/blog/'],
  [{ from: '/store', to: '/blog/:id', query: { id: ':id' } }, '/store?id=1&id=2', '/blog/2'],
  [{ from: '/store', to: '/sale', query: { kind: 'sale' } }, '/store?kind=sale&kind=other', undefined],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news/a/b/', '/blog/a/b/'],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news/', '/blog/'],
  [{ from: '/news/*', to: '/blog/:splat' }, '/news//a', '/blog//a'],
  [{ from: '/z*', to: '/b/:splat' }, '/zoo/a/', '/b/oo/a/'],
  [{ from: '/z*', to: '/b/:splat' }, '/z', '/b/'],
  [{ from: '/z*', to: '/b/:splat' }, '/a', undefined],
  [{ from: '/a/*/b', to: '/c/:splat' }, '/a/x/y/b', '/c/x/y'],
  [{ from: '/a/*/b', to: '/c/:splat' }, '/a/b/', '/c/'],
  [{ from: '/a/*/b', to: '/c/:splat' }, '/a//b', '/c/'],
  [{ from: '/a/*/b', to: '/c/:splat' }, '/a/x', undefined],
  [{ from: '/a/*/b/*', to: '/c/:splat' }, '/a/1/b/2/b/3', '/c/1/b/2'],
  [{ from: '/a/*.html', to: '/b' }, '/a/*.html', '/b'],
  [{ from: '/a/*.html', to: '/b' }, '/a/x.html', undefined],
  [{ from: '/a/:x-y', to: '/b/:x-y/:x' }, '/a/1', '/b/1/:x'],
  [{ from: '/a/:n', to: '/b/:name' }, '/a/1', '/b/1ame'],
  [{ from: '/a/:b/c/:b', to: '/c/:b' }, '/a/1/c/2', '/c/1'],
  [{ from: 'x', to: '/b' }, '/x', '/b'],
  [{ from: '*', to: '/b/:splat' }, '/x', '/b/x'],
  [{ from: 'http://a/x', to: '/b' }, '/x', '/b'],
  [{ from: 'http://A:80/*', to: '/b/:splat' }, '/x', '/b/x'],
  [{ from: 'https://a/x', to: '/b' }, '/x', undefined],
  [{ from: 'http://b.example/*', to: '/b' }, '/x', undefined],
  [{ from: '/store', to: '/sale', query: { kind: 'sale' } }, '/store?kind=sale', '/sale'],
  [{ from: '/store', to: '/sale', query: { kind: 'sale' } }, '/store?kind=other', undefined],
  // Never to another host than that of the rule, and never to the same URL.
  [{ from: '/*', to: '/:splat' }, '//evil.example', '/evil.example'],
  [{ from: '/go', to: '/:to', query: { to: ':to' } }, '/go?to=/evil.example', '/%2Fevil.example'],
  [{ from: '/a/*', to: '/a/:splat' }, '/a/b', undefined],
  [{ from: '/a', to: '/a/' }, '/a?x', undefined],
];

for (const [rule, target, location] of TABLE) {
  const query = rule.query ? ` with ${JSON.stringify(rule.query)}` : '';
  test(`from ${rule.from} to ${rule.to}${query}: ${target} is redirected to ${location ?? 'no location'}`, async (t) => {
    const server = await serveRules(t, [rule]);

    const answer = await exchange(server, target);

    t.is(/^Location: (.*)\r$/m.exec(answer)?.[1], location, answer);
    t.regex(
      answer,
      location === undefined ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 301 [^\n]*\n(?:.*\r\n)*Content-Length: 0\r\n/,
    );
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a rule with ${status} redirects with that status for any method`, async (t) => {
    const server = await serveRules(t, [{ from: '/a', to: '/b', status }]);

    t.regex(await exchange(server, '/a', 'POST'), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('a function that a rule rewrites to sees the URL of the client', async (t) => {
  const server = await serveRules(
    t,
    [{ from: '/api/*', to: '/.netlify/functions/:splat', status: 200 }],
    [...functionRoutes('hello'), ...functionRoutes('own', { paths: ['/own/:id'] })],
  );

  t.regex(
    await exchange(server, '/api/hello?a=1'),
    /^HTTP\/1\.1 200 .*hello at undefined called for \/api\/hello\?a=1 with \{\}/s,
  );
  t.regex(await exchange(server, '/api/hello/sub', 'POST'), /called for \/api\/hello\/sub with \{\}/);
  // A function with a path has no default URL, and the other function does not exist: never the hop.
  for (const target of ['/api/own', '/api/gone', '/api/', '/api'])
    t.regex(await exchange(server, target), /^HTTP\/1\.1 404 .*not_found/s, target);
  t.like(server.exchanges[0], { route: '/.netlify/functions/hello', answeredBy: 'hello at undefined' });
});

test('a rule may rewrite to a path of a function, which gets its params from that path', async (t) => {
  const server = await serveRules(
    t,
    [{ from: '/p/:sku', to: '/item/:sku', status: 200 }],
    functionRoutes('item', { paths: ['/item/:id'] }),
  );

  t.regex(await exchange(server, '/p/a%20b'), /item at \/item\/:id called for \/p\/a%20b with \{"id":"a%20b"\}/);
  t.is(server.exchanges[0]?.route, '/item/:id');
});

test("the query of a rule precedes the client's and replaces parameters of the same names", async (t) => {
  const server = await serveRules(
    t,
    [{ from: '/item/:id/*', to: '/.netlify/functions/item?id=:id&rest=:splat', status: 200 }],
    functionRoutes('item'),
  );

  t.regex(await exchange(server, '/item/7/a/b'), /called for \/item\/7\/a\/b\?id=7&rest=a\/b with/);
  t.regex(await exchange(server, '/item/7/x?id=8&y=%201&rest'), /called for \/item\/7\/x\?id=7&rest=x&y=%201 with/);
  t.is(server.exchanges[0]?.askedTarget, '/item/7/a/b');
});

test("a status other than 200 replaces the function's status, but not that of an error", async (t) => {
  const rules = [
    { from: '/gone/*', to: '/.netlify/functions/page', status: 404 },
    { from: '/bad', to: '/.netlify/functions/bad', status: 404 },
  ];
  const server = await serveRules(t, rules, [...functionRoutes('page'), ...functionRoutes('bad')]);

  t.regex(await exchange(server, '/gone/x'), /^HTTP\/1\.1 404 .*page at undefined/s);
  t.regex(await exchange(server, '/bad'), /^HTTP\/1\.1 500 /);
});

test('a rewrite whose function does not match the method gets 404, and not from the hop', async (t) => {
  const server = await serveRules(
    t,
    [{ from: '/a', to: '/b', status: 200 }],
    functionRoutes('b', { paths: ['/b'], methods: ['POST'] }),
  );

  t.regex(await exchange(server, '/a', 'POST'), /^HTTP\/1\.1 200 /);
  t.regex(await exchange(server, '/a'), /^HTTP\/1\.1 404 .*not_found/s);
});

test('a function that passes leaves the URL of the request unchanged, and the rule has its status', async (t) => {
  const passing = functionRoutes('passing').map((each) => ({
    ...each,
    target: { name: 'x', answer: async () => 'passed' as const },
  }));
  const server = await serveRules(t, [{ from: '/a', to: '/.netlify/functions/passing?x=1', status: 410 }], passing);

  t.regex(await exchange(server, '/a'), /^HTTP\/1\.1 410 /);
  t.is(server.exchanges[0]?.target, '/a');
});

for (const [why, rule] of [
  ['a limit of its rate', { others: ['rate_limit'] }],
  ['four stars', { from: '/*/a/*/b/*/c/*' }],
  ['no host in its URL', { from: 'http:///a' }],
  ['another host and 404', { to: 'https://b.example/:splat', status: 404 }],
  ['a query in its path', { from: '/a?b=c' }],
  ["a path of the platform's", { from: '/.netlify/functions/x' }],
  ['an invalid destination', { to: 'b' }],
  ['a destination that begins like a host', { to: '//evil.example/' }],
  ['a name in its host', { from: '/:x/*', to: 'https://:x.example/' }],
  ['a status that is not a redirect', { status: 304 }],
] as const) {
  test(`a rule with ${why} is reported with file and line, and not used`, (t) => {
    const functions = functionRoutes('own', { paths: ['/own'] });
    const rules = [toRule({ from: '/x/*', to: '/y', ...rule, line: 7 })];
    const { routes, problems } = toRedirectRoutes({ rules, functions, project: { createRouter, env: {} } });

    t.deepEqual(routes, []);
    t.is(problems.length, 1);
    t.like(problems[0], { severity: 'others' in rule ? 'warning' : 'error', file: 'netlify.toml', line: 7 });
    t.regex(problems[0]?.message ?? '', /^the redirect from ".*" to ".*" is not used: .+/);
  });
}
