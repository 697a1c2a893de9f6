import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../../../src/contract/exchange.ts';
import { Fault } from '../../../../src/contract/fault.ts';
import type { Route } from '../../../../src/contract/route.ts';
import type { Params } from '../../../../src/contract/target.ts';
import type { TomlRedirect } from '../../../../src/dialects/netlify/config/toml-redirects.ts';
import type { Declaration } from '../../../../src/dialects/netlify/find/declaration.ts';
import { toRedirectRoutes } from '../../../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { toRoutes } from '../../../../src/dialects/netlify/to-routes.ts';
import { createRouter } from '../../../../src/routing/router.ts';
import type { ExchangeServer } from '../../../helpers/exchange-server.ts';
import { serveHandler } from '../../../helpers/handler-server.ts';
import { route } from '../../../helpers/route.ts';

type Rule = Pick<TomlRedirect, 'from' | 'to'> & Partial<TomlRedirect>;
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
  [{ from: '/store', to: '/blog/:id', query: { id: ':id' } }, '/store?id=', undefined],
  [{ from: '/store', to: '/sale', query: { kind: 'sale' } }, '/store?kind=sale', '/sale'],
  [{ from: '/store', to: '/sale', query: { kind: 'sale' } }, '/store?kind=other', undefined],
  // Never to another host than is written, and not in circles.
  [{ from: '/*', to: '/:splat' }, '//evil.example', '/evil.example'],
  [{ from: '/go', to: '/:to', query: { to: ':to' } }, '/go?to=/evil.example', '/%2Fevil.example'],
  [{ from: '/a/*', to: '/a/:splat' }, '/a/b', undefined],
];

for (const [rule, target, location] of TABLE) {
  const query = rule.query ? ` with ${JSON.stringify(rule.query)}` : '';
  test(`from ${rule.from} to ${rule.to}${query}: ${target} is led to ${location ?? 'nowhere'}`, async (t) => {
    const server = await serve(t, [rule]);

    const answer = await get(server, target);

    t.is(/^Location: (.*)\r$/m.exec(answer)?.[1], location, answer);
    t.regex(
      answer,
      location === undefined ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 301 [^\n]*\n(?:.*\r\n)*Content-Length: 0\r\n/,
    );
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a rule with ${status} leads with that status, whatever the method`, async (t) => {
    const server = await serve(t, [{ from: '/a', to: '/b', status }]);

    t.regex(await get(server, '/a', 'POST'), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('the first rule that fits counts, though another says more', async (t) => {
  const server = await serve(t, [
    { from: '/a/*', to: '/first', query: { q: 'x' } },
    { from: '/a/*', to: '/second' },
    { from: '/a/b', to: '/third' },
  ]);

  t.regex(await get(server, '/a/b'), /^Location: \/second\r$/m);
  t.regex(await get(server, '/a/b?q=x'), /^Location: \/first\r$/m);
});

test('functions on their own paths come before rules, a rule with force before files, another behind them', async (t) => {
  const server = await serve(
    t,
    [
      { from: '/own', to: '/lost', force: true },
      { from: '/file', to: '/lost' },
      { from: '/forced', to: '/found', force: true },
      { from: '/free', to: '/found' },
    ],
    [...functionRoutes('own', { paths: ['/own'] }), file('/file'), file('/forced')],
  );

  t.regex(await get(server, '/own'), /own at \/own/);
  t.regex(await get(server, '/file'), /the file/);
  t.regex(await get(server, '/forced'), /^Location: \/found\r$/m);
  t.regex(await get(server, '/free'), /^Location: \/found\r$/m);
});

test('a function that a rule leads to sees the URL that the client asked for', async (t) => {
  const server = await serve(
    t,
    [{ from: '/api/*', to: '/.netlify/functions/:splat', status: 200 }],
    [...functionRoutes('hello'), ...functionRoutes('own', { paths: ['/own/:id'] })],
  );

  t.regex(
    await get(server, '/api/hello?a=1'),
    /^HTTP\/1\.1 200 .*hello at undefined asked for \/api\/hello\?a=1 with \{\}/s,
  );
  t.regex(await get(server, '/api/hello/sub', 'POST'), /asked for \/api\/hello\/sub with \{\}/);
  // A function with a path of its own is not reached by its default URL, nor one that is not there.
  for (const target of ['/api/own', '/api/gone', '/api/', '/api'])
    t.regex(await get(server, target), /^HTTP\/1\.1 404 /, target);
  t.like(server.exchanges[0], { route: '/.netlify/functions/hello', answeredBy: 'hello at undefined' });
});

test('a rule may lead to a path of a function, which takes its params from there', async (t) => {
  const server = await serve(
    t,
    [{ from: '/p/:sku', to: '/item/:sku', status: 200 }],
    functionRoutes('item', { paths: ['/item/:id'] }),
  );

  t.regex(await get(server, '/p/a%20b'), /item at \/item\/:id asked for \/p\/a%20b with \{"id":"a%20b"\}/);
  t.is(server.exchanges[0]?.route, '/item/:id');
});

test("the query of a rule comes in front of the client's, and instead of parameters of the same names", async (t) => {
  const server = await serve(
    t,
    [{ from: '/item/:id/*', to: '/.netlify/functions/item?id=:id&rest=:splat', status: 200 }],
    functionRoutes('item'),
  );

  t.regex(await get(server, '/item/7/a/b'), /asked for \/item\/7\/a\/b\?id=7&rest=a\/b with/);
  t.regex(await get(server, '/item/7/x?id=8&y=%201&rest'), /asked for \/item\/7\/x\?id=7&rest=x&y=%201 with/);
  t.is(server.exchanges[0]?.askedTarget, '/item/7/a/b');
});

test("a status other than 200 takes the place of the function's, but not of an error's", async (t) => {
  const rules = [
    { from: '/gone/*', to: '/.netlify/functions/page', status: 404 },
    { from: '/bad', to: '/.netlify/functions/bad', status: 404 },
  ];
  const server = await serve(t, rules, [...functionRoutes('page'), ...functionRoutes('bad')]);

  t.regex(await get(server, '/gone/x'), /^HTTP\/1\.1 404 .*page at undefined/s);
  t.regex(await get(server, '/bad'), /^HTTP\/1\.1 500 /);
});

test('a rule whose function does not take the method passes', async (t) => {
  const server = await serve(
    t,
    [{ from: '/a', to: '/b', status: 200 }],
    functionRoutes('b', { paths: ['/b'], methods: ['POST'] }),
  );

  t.regex(await get(server, '/a', 'POST'), /^HTTP\/1\.1 200 /);
  t.regex(await get(server, '/a'), /^HTTP\/1\.1 404 /);
});

test('what a function that passes was given is taken back', async (t) => {
  const passing = functionRoutes('passing').map((each) => ({
    ...each,
    target: { name: 'x', answer: async () => 'passed' as const },
  }));
  const server = await serve(t, [{ from: '/a', to: '/.netlify/functions/passing?x=1', status: 410 }], passing);

  t.regex(await get(server, '/a'), /^HTTP\/1\.1 404 /);
  t.is(server.exchanges[0]?.target, '/a');
});

for (const [why, rule] of [
  ['a condition', { others: ['conditions.Country'] }],
  ['a signature', { others: ['signed'] }],
  ['another host to ask', { to: 'https://b.example/:splat', status: 200 }],
  ['a file to answer with', { to: '/index.html', status: 200 }],
  ['a function that is not there', { to: '/.netlify/functions/gone', status: 200 }],
  ['a function that is not reached by its default URL', { to: '/.netlify/functions/own', status: 200 }],
  ['no function below its first part', { to: '/nowhere/:splat', status: 200 }],
  ['a host in front', { from: 'http://a.example/*' }],
  ['a path that is none', { from: 'x' }],
  ['a star in the middle', { from: '/a/*.html' }],
  ['a query in its path', { from: '/a?b=c' }],
  ["a path of the platform's", { from: '/.netlify/functions/x' }],
  ['an address that is none', { to: 'b' }],
  ['an address that begins as a host', { to: '//evil.example/' }],
  ['a name in its host', { from: '/:x/*', to: 'https://:x.example/' }],
  ['a status that leads nowhere', { status: 304 }],
] as const) {
  test(`a rule with ${why} is warned of with file and line, and not used`, (t) => {
    const functions = functionRoutes('own', { paths: ['/own'] });
    const { routes, problems } = toRedirectRoutes(
      [toRule({ from: '/x/*', to: '/y', ...rule, line: 7 })],
      functions,
      createRouter,
    );

    t.deepEqual(routes, []);
    t.is(problems.length, 1);
    t.like(problems[0], { severity: 'warning', file: 'netlify.toml', line: 7 });
    t.regex(problems[0]?.message ?? '', /^the redirect from ".*" to ".*" is not used: .+/);
  });
}

function toRule(rule: Rule): TomlRedirect {
  return { file: 'netlify.toml', status: 301, force: false, query: {}, others: [], ...rule };
}

/** The site's functions and files, its rules behind them, and a hop that has nothing. */
async function serve(
  t: ExecutionContext,
  rules: readonly Rule[],
  others: readonly Route[] = [],
): Promise<ExchangeServer> {
  const functions = others.filter(({ dialect }) => dialect === 'netlify');
  const { routes, problems } = toRedirectRoutes(rules.map(toRule), functions, createRouter);
  t.deepEqual(problems, []);
  const answer = async ({ response }: Exchange) => {
    response.writeHead(404).end();
    return 'answered' as const;
  };
  return serveHandler(t, { routes: [...others, ...routes], fallback: { name: 'miss', answer } });
}

async function get(server: ExchangeServer, target: string, method = 'GET'): Promise<string> {
  return server.exchange(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}

function functionRoutes(name: string, config: Partial<Declaration['config']> = {}): readonly Route[] {
  const declaration: Declaration = {
    name,
    file: `netlify/functions/${name}.mts`,
    path: `/site/netlify/functions/${name}.mts`,
    generated: false,
    generation: 'modern',
    config: { paths: [], excludedPaths: [], methods: 'any', preferStatic: false, background: false, ...config },
  };
  return toRoutes(declaration, (path) => {
    const text = `${name} at ${path}`;
    return {
      name: text,
      async answer({ response, target }: Exchange, params: Params) {
        if (name === 'bad') throw new Fault('function_error');
        response.writeHead(200).end(`${text} asked for ${target} with ${JSON.stringify(params)}`);
        return 'answered';
      },
    };
  }).routes;
}

function file(path: string): Route {
  const answer = async ({ response }: Exchange) => {
    response.end('the file');
    return 'answered' as const;
  };
  return route(path, { step: 3, target: { name: 'file', answer } });
}
