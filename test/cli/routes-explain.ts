import test from 'ava';
import { isRequestWord, toRequest } from '../../src/cli/routes-explain.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { openTestEdge } from '../../src/embed/test-edge.ts';
import { rowsOf, runRoutes } from '../helpers/explained-routes.ts';
import { fixedDialect } from '../helpers/fixed-dialect.ts';
import { runNexthop } from '../helpers/process.ts';
import { route } from '../helpers/route.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SITE = fixedDialect({
  routes: [
    route('guard', { step: 1, file: 'middleware.js' }),
    route('/api/:id', { file: 'api/[id].js', methods: ['GET', 'POST'] }),
    route('/api/:id', { file: 'api/[id].delete.js', methods: ['DELETE'] }),
    route('/api/*rest', { file: 'api/[[rest]].js' }),
    route('/about', { step: 3, file: 'public/about.html', methods: ['GET', 'HEAD'], folder: 'public' }),
    route('/old', {
      ...{ step: 6, file: '_redirects', about: '301 to /new' },
      target: {
        name: '_redirects',
        answer: () => 'passed',
        describe: () => ({ text: 'redirects to /new with 301, if it may', outcome: 'may-answer' }),
      },
    }),
    route('/shared', { file: 'shared.js', afterFallback: true }),
  ],
  ignored: [{ file: 'api/_helper.js', reason: 'its name starts with "_"' }],
});

for (const [line, expected] of [
  [
    'GET /api/7?x=1',
    `  middleware.js       any guard          runs first: may answer, or change the request
  api/[id].js         GET,POST /api/:id  answers with id="7"
  api/[[rest]].js     any /api/*rest     gets only what api/[id].js passes on with rest=["7"]
  api/[id].delete.js  DELETE /api/:id    does not answer GET with id="7"`,
  ],
  [
    'POST /about',
    `  middleware.js      any guard        runs first: may answer, or change the request
  public/about.html  GET,HEAD /about  does not answer POST
  the next hop                        gets it: http://next-hop:80`,
  ],
  [
    'GET /abuot',
    `  middleware.js  any guard  runs first: may answer, or change the request
  the next hop              gets it: http://next-hop:80; did you mean /about?`,
  ],
  [
    'GET /old',
    `  middleware.js  any guard  runs first: may answer, or change the request
  _redirects     any /old   redirects to /new with 301, if it may
  the next hop              gets it else: http://next-hop:80`,
  ],
  [
    'GET /shared',
    `  middleware.js  any guard    runs first: may answer, or change the request
  shared.js      any /shared  answers, if http://next-hop:80 has nothing at this path
  the next hop                gets it else: http://next-hop:80`,
  ],
  [
    'GET /helper',
    `  middleware.js   any guard  runs first: may answer, or change the request
  api/_helper.js             is no route: its name starts with "_"
  the next hop               gets it: http://next-hop:80`,
  ],
  [
    'GET /api/..%2fx',
    `  middleware.js  any guard  runs first: may answer, or change the request
  the next hop              gets it: http://next-hop:80: the path can be read in several ways, so it matches no route`,
  ],
] as const) {
  test(`routes explains ${line}`, async (t) => {
    const [method = '', target = ''] = line.split(' ');

    t.is(
      await runRoutes(await siteFolder(t), { request: { method, target }, dialects: [SITE] }),
      `${line}\n\n${expected}`,
    );
  });
}

test('routes explains a path that a guard refuses because it can be read in too many ways', async (t) => {
  const site = await siteFolder(t, {
    'netlify/edge-functions/guard.js': "export default () => {}; export const config = { path: '/admin/*' };",
  });
  const target = `/admin/${'x%2fy/./..//%252e/x\\y/%2e%2e/'.repeat(300)}`;

  const lines = await runRoutes(site, { request: { method: 'GET', target } });

  t.regex(lines, /guard\.js +any \/admin\/\* +answers 400: the path can be read in too many ways$/);
});

/** Filters and rules of all platforms. */
const RULES = {
  'edgeone.json': JSON.stringify({
    redirects: [{ source: '/moved/:id', destination: '/items/:id', statusCode: 302 }],
    rewrites: [{ source: '/short', destination: '/items/1' }],
    headers: [{ source: '/items/*', headers: [{ key: 'X-A', value: 'b' }] }],
  }),
  'middleware.js':
    "export const middleware = ({ next }) => next(); export const config = { matcher: ['/items/:path*'] };",
  'cloud-functions/items/[id].js': 'export const onRequestGet = () => new Response("item");',
  'edge-functions/edge.js': 'export const onRequest = () => new Response("edge");',
  'netlify/edge-functions/guard.js':
    "export default () => new Response('guard'); export const config = { path: '/guarded/*', method: 'POST' };",
  'netlify.toml': `
    [build]
    publish = "public"
    [[headers]]
    for = "/styles/*"
    [headers.values]
    X-B = "c"
    [[headers]]
    for = "/closed/*"
    [headers.values]
    Basic-Auth = "me:secret"
    [[redirects]]
    from = "/old"
    to = "/items/2"
    [[redirects]]
    from = "/forced/*"
    to = "/:splat"
    status = 302
    force = true
    [[redirects]]
    from = "/rewritten"
    to = "/items/3"
    status = 200
    [[redirects]]
    from = "/german"
    to = "/de"
    conditions = { Language = ["de"] }`,
  'public/contact.html': '<form name="contact" netlify action="/contact" method="post"><input name="mail"></form>',
  'public/styles/a.css': 'a { }',
};

const ITEM = 'cloud-functions/items/[id].js  GET /items/:id';

for (const [line, status, expected] of [
  [
    'GET /.well-known/nexthop/ready',
    200,
    ['nexthop any /.well-known/nexthop/ready answers: whether it is ready (READY_PATH)'],
  ],
  [
    'GET /items/1',
    200,
    [
      'middleware.js any middleware runs first: may answer, or change the request',
      'edgeone.json any headers, rewrites adds headers to what the site answers',
      `${ITEM} answers with id="1"`,
    ],
  ],
  ['GET /moved/7?x=1', 302, ['edgeone.json any redirects redirects to /items/7?x=1 with 302']],
  ['GET /short', 200, ['edgeone.json any headers, rewrites rewrites to /items/1', `${ITEM} answers with id="1"`]],
  [
    'GET /edge',
    200,
    [
      'edge-functions any edge functions runs first: calls edge-functions/edge.js',
      'edge-functions/edge.js any /edge answers',
    ],
  ],
  ['GET /guarded/a', 404, ['the next hop gets it: http://next-hop:80']],
  [
    'POST /guarded/a',
    200,
    [
      'netlify/edge-functions/guard.js any /guarded/* runs first: may answer, or change the request',
      'public/contact.html POST POST of a form answers, if the field form-name of the body names a form: contact; at a page, another name gets 404',
      'the next hop gets it else: http://next-hop:80',
    ],
  ],
  [
    'GET /closed/a',
    401,
    [
      'netlify.toml any Basic-Auth answers 401 to clients without a name and a password of its rule',
      'the next hop gets it: http://next-hop:80',
    ],
  ],
  [
    'GET /styles/a.css',
    200,
    ['netlify.toml any headers adds X-B to files', 'public/styles/a.css GET,HEAD /styles/a.css answers'],
  ],
  ['GET /old', 301, ['netlify.toml any /old redirects to /items/2 with 301']],
  ['GET /forced/x?y', 302, ['netlify.toml any forced redirects redirects to /x?y with 302']],
  ['GET /rewritten', 200, ['netlify.toml any /rewritten answers with /items/3, of cloud-functions/items/[id].js']],
  [
    'GET /german',
    404,
    [
      'netlify.toml any /german redirects to /de with 301, if the conditions of its rule hold',
      'the next hop gets it else: http://next-hop:80',
    ],
  ],
  [
    'POST /contact',
    404,
    [
      'public/contact.html POST POST of a form answers, if the body is a submission of contact',
      'public/contact.html GET,HEAD /contact does not answer POST',
      'the next hop gets it else: http://next-hop:80',
    ],
  ],
] as const) {
  test(`routes explains ${line} by the rules of the platforms, and a server answers ${status}`, async (t) => {
    const site = await siteFolder(t, RULES);
    const [method = '', target = ''] = line.split(' ');
    const rows = await rowsOf(site, { method, target });

    t.deepEqual(
      rows.filter((row) => !row.includes('does not run here')),
      expected.map((row) => row.replaceAll(/ +/g, ' ')),
    );
    const edge = await openTestEdge({ site });
    t.teardown(() => edge.close());
    if (!target.startsWith('/.well-known/')) t.is((await edge.fetch(target, { method })).status, status);
  });
}

test('--json has the same for scripts', async (t) => {
  const request = { method: 'GET', target: '/api/7' };
  const explanation = JSON.parse(await runRoutes(await siteFolder(t), { request, dialects: [SITE], json: true }));

  t.deepEqual(explanation.answers, {
    file: 'api/[id].js',
    methods: ['GET', 'POST'],
    pattern: '/api/:id',
    reason: 'answers',
    outcome: 'answers',
    params: { id: '7' },
  });
  t.is(explanation.otherwise, undefined);
});

test('a word is a path if it begins with a slash or is a URL, unless it is a folder', (t) => {
  t.true(isRequestWord('/api/x'));
  t.true(isRequestWord('https://shop.example/api/x?y'));
  t.false(isRequestWord(import.meta.dirname));
  t.true(isRequestWord(import.meta.filename));
  // Such a site is named by --site.
  t.true(isRequestWord('/'));
  t.true(isRequestWord(import.meta.dirname, true));
  t.false(isRequestWord('my-site', true));
  t.false(isRequestWord('my-site'));
  const posted = { method: 'POST', target: '/api/x?y', host: 'shop.example' };
  t.deepEqual(toRequest(['https://shop.example/api/x?y'], 'post'), posted);
  t.throws(() => toRequest(['/a', '/b']), { instanceOf: UsageError, message: 'one path at a time, got "/b" too' });
  t.throws(() => toRequest(['/a'], 'G T'), { instanceOf: UsageError });
});

test('on the command line the site and the path are distinguished', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/a.js': 'export const onRequestPost = () => 1;' });

  const [explained, needless] = await Promise.all([
    runNexthop(t, { args: ['routes', site, '/a', '--method=post'] }),
    runNexthop(t, { args: ['routes', site, '--method=post'] }),
  ]);

  t.is(await explained.exited, 0);
  t.is(explained.stdout(), 'POST /a\n\n  cloud-functions/a.js  POST /a  answers\n');
  t.is(await needless.exited, 2);
  t.is(needless.output(), 'nexthop: --method needs a path, such as /api/x\n');
});
