import test from 'ava';
import { rowsOf, runRoutes } from '../helpers/explained-routes.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const GUARDED = {
  'middleware.js':
    "export const middleware = ({ next }) => next(); export const config = { matcher: ['/api/:path*', '/admin'] };",
  'netlify/edge-functions/auth.js':
    "export default () => {}; export const config = { path: '/*', excludedPath: ['/public/*', '/price/*'] };",
  'netlify/edge-functions/old.js':
    "export default () => {}; export const config = { pattern: '/x.*', excludedPattern: '/x/[0-9]+' };",
  'netlify/edge-functions/post.js': "export default () => {}; export const config = { path: '/x/*', method: 'POST' };",
  'netlify/edge-functions/broken.js': `export const config = { path: '/broken/*', excludedPath: '/broken/not' };
    throw new Error('no database');`,
  'netlify/edge-functions/limited.js':
    "export default () => {}; export const config = { path: '/limited/*', excludedPath: '/limited/not', rateLimit: 5 };",
  'netlify/functions/shop.mjs': `export default () => new Response('shop');
    export const config = { path: ['/shop/*', '/s/*'], excludedPath: '/shop/free/*' };`,
};

const [MIDDLEWARE, AUTH, OLD] = ['middleware.js', 'netlify/edge-functions/auth.js', 'netlify/edge-functions/old.js'];

for (const [target, expected] of [
  ['/api/a', []],
  ['/else', [`${MIDDLEWARE} any middleware does not run here: its matcher is /api/:path*, /admin`]],
  ['/public/a', [`${AUTH} any /* does not run here: its excludedPath is /public/*`]],
  [
    '/x/7',
    [
      `${OLD} any /x.* does not run here: its excludedPattern is /x/[0-9]+`,
      'netlify/edge-functions/post.js any /x/* does not run here: its method is POST',
    ],
  ],
  ['/shop/free/1', ['netlify/functions/shop.mjs any /shop/* does not run here: its excludedPath is /shop/free/*']],
  ['/s/free/1', []],
  ['/broken/a', ['netlify/edge-functions/broken.js any /broken/* answers 500, because it does not load']],
  [
    '/broken/not',
    ['netlify/edge-functions/broken.js any /broken/* does not run here: its excludedPath is /broken/not'],
  ],
  ['/limited/a', ['netlify/edge-functions/limited.js any /limited/* answers 404, because its rateLimit is wrong']],
  [
    '/limited/not',
    ['netlify/edge-functions/limited.js any /limited/* does not run here: its excludedPath is /limited/not'],
  ],
] as const) {
  test(`routes says why code that has the path does not run for ${target}`, async (t) => {
    const rows = await rowsOf(await siteFolder(t, GUARDED), {
      method: 'GET',
      target,
    });

    const isAsked = (row: string): boolean => / does not run here| because /.test(row);
    const ofMiddleware = (row: string): boolean => row.startsWith(MIDDLEWARE);
    t.deepEqual(
      rows.filter((row) => isAsked(row) && (target === '/else' || !ofMiddleware(row))),
      expected,
    );
  });
}

test('a middleware that does not load answers 500, and routes says so', async (t) => {
  const site = await siteFolder(t, {
    'middleware.js': 'export const middleware = (',
  });

  t.regex(await runRoutes(site, { request: { method: 'GET', target: '/' } }), /answers 500, because it does not load$/);
});

test('a list of routes has the exceptions of guards and functions', async (t) => {
  const listed = await runRoutes(await siteFolder(t, GUARDED), {});

  t.regex(listed, /auth\.js +netlify +edge function, not \/public\/\* \/price\/\*$/m);
  t.regex(listed, /post\.js +netlify +edge function, only POST$/m);
  t.regex(listed, /shop\.mjs +netlify +modern, not \/shop\/free\/\*$/m);
});
