import test from 'ava';
import { type RoutesOptions, routes } from '../../src/cli/routes.ts';
import { isRequestWord, toRequest } from '../../src/cli/routes-explain.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
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
    route('/old', { step: 6, file: '_redirects', about: '301 to /new' }),
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
  the next hop                        gets it: http://next-hop`,
  ],
  [
    'GET /abuot',
    `  middleware.js  any guard  runs first: may answer, or change the request
  the next hop              gets it: http://next-hop; did you mean /about?`,
  ],
  [
    'GET /old',
    `  middleware.js  any guard  runs first: may answer, or change the request
  _redirects     any /old   answers, if the conditions of its rule hold
  the next hop              gets it else: http://next-hop`,
  ],
  [
    'GET /shared',
    `  middleware.js  any guard    runs first: may answer, or change the request
  shared.js      any /shared  answers, if http://next-hop has nothing at this path
  the next hop                gets it else: http://next-hop`,
  ],
  [
    'GET /helper',
    `  middleware.js   any guard  runs first: may answer, or change the request
  api/_helper.js             is no route: its name starts with "_"
  the next hop               gets it: http://next-hop`,
  ],
  [
    'GET /api/..%2fx',
    `  middleware.js  any guard  runs first: may answer, or change the request
  the next hop              gets it: http://next-hop: the path can be read in several ways, so it matches no route`,
  ],
] as const) {
  test(`routes explains ${line}`, async (t) => {
    const [method = '', target = ''] = line.split(' ');

    t.is(await run(await siteFolder(t), { request: { method, target }, dialects: [SITE] }), `${line}\n\n${expected}`);
  });
}

test('--json has the same for scripts', async (t) => {
  const request = { method: 'GET', target: '/api/7' };
  const explanation = JSON.parse(await run(await siteFolder(t), { request, dialects: [SITE], json: true }));

  t.deepEqual(explanation.answers, {
    file: 'api/[id].js',
    methods: ['GET', 'POST'],
    pattern: '/api/:id',
    reason: 'answers',
    params: { id: '7' },
  });
  t.is(explanation.otherwise, 'http://next-hop');
});

test('a word is a path if it begins with a slash or is a URL, unless it is a folder', (t) => {
  t.true(isRequestWord('/api/x'));
  t.true(isRequestWord('https://shop.example/api/x?y'));
  t.false(isRequestWord(import.meta.dirname));
  t.false(isRequestWord('my-site'));
  t.deepEqual(toRequest(['https://shop.example/api/x?y'], 'post'), { method: 'POST', target: '/api/x?y' });
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

async function run(site: string, options: RoutesOptions): Promise<string> {
  const lines: string[] = [];
  await routes(readConfig({ site, env: {} }), (line) => lines.push(line), options);
  return lines.join('\n');
}
