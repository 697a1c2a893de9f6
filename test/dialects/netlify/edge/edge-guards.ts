import test from 'ava';
import { build } from '../../../../src/cli/build.ts';
import { readConfig } from '../../../../src/config/config.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { assertGuarded, type GuardedSite } from '../../../helpers/guard-corpus.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const FUNCTION = {
  'netlify/functions/fn.mjs':
    'export default () => new Response("the secret"); export const config = { path: "/admin/fn" };',
};

const CONFIG = 'export const config = { path: ["/admin", "/admin/*"] };';
const REFUSE = 'if (context.cookies.get("ok") !== "1") return new Response("no", { status: 403 });';

function site(code: string): Readonly<Record<string, string>> {
  return { ...FUNCTION, 'netlify/edge-functions/guard.js': code };
}

const NO = 'new Response("no", { status: 403 })';

const GUARDS: Readonly<Record<string, GuardedSite>> = {
  'that returns nothing': {
    files: site(`export default (request, context) => { ${REFUSE} }; ${CONFIG}`),
    ...{ status: 403, opens: true },
  },
  'that returns next()': {
    files: site(`export default async (request, context) => { ${REFUSE} return context.next(); }; ${CONFIG}`),
    ...{ status: 403, opens: true },
  },
  'that wants a password by Basic': {
    files: site(`export default (request) => {
      if (request.headers.get('authorization') === 'Basic ' + btoa('user:pass')) return;
      return new Response('no', { status: 401, headers: { 'www-authenticate': 'Basic realm="a"' } });
    };
    ${CONFIG}`),
    ...{ status: 401, opens: true, key: 'Authorization: Basic dXNlcjpwYXNz' },
  },
  'that refuses after next()': {
    files: site(`export default async (request, context) => {
      const secret = await context.next();
      ${REFUSE}
      return secret;
    };
    ${CONFIG}`),
    ...{ status: 403, opens: true, asksHop: true },
  },
  'that does not load': {
    files: site(`throw new Error('broken'); export default () => {}; ${CONFIG}`),
    ...{ status: 500, opens: false },
  },
  'that does not compile': { files: site(`export default ((;`), status: 500, opens: false },
  'without a function': { files: site(`export default 1; ${CONFIG}`), status: 500, opens: false },
  'with a wrong path': {
    files: site('export default () => {}; export const config = { path: "admin" };'),
    ...{ status: 500, opens: false },
  },
  'with an unknown method': {
    files: site('export default () => {}; export const config = { path: "/admin/*", method: "GTE" };'),
    ...{ status: 500, opens: false },
  },
  'with a path that turns out to be undefined': {
    files: site('export default () => {}; export const config = { path: process.env.NOT_SET };'),
    ...{ status: 500, opens: false },
  },
  'with a wrong rate limit': {
    files: site(
      'export default () => {}; export const config = { path: ["/admin", "/admin/*"], rateLimit: { windowLimit: 0 } };',
    ),
    ...{ status: 404, opens: false },
  },
  'that throws, and whose onError is fail': {
    files: site(`export default () => { throw new Error(); }; ${CONFIG}`),
    ...{ status: 500, opens: false },
  },
  'that netlify.toml names, and that is missing': {
    files: { ...FUNCTION, 'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npath = "/admin/*"\n' },
    ...{ status: 500, opens: false },
  },
  'that netlify.toml does not name': {
    files: { ...FUNCTION, 'netlify.toml': '[[edge_functions]]\nfuction = "guard"\npath = "/admin/*"\n' },
    ...{ status: 500, opens: false },
  },
  'that netlify.toml declares without a path': {
    files: {
      ...site('export default () => {};'),
      'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npaths = "/admin/*"\n',
    },
    ...{ status: 500, opens: false },
  },
  'with an empty pattern': {
    files: site('export default () => {}; export const config = { pattern: "" };'),
    ...{ status: 500, opens: false },
  },
  'with a config that is no object': {
    files: site('export default () => {}; export const config = "/admin/*";'),
    ...{ status: 500, opens: false },
  },
  'in a misspelt table of netlify.toml': {
    files: {
      ...site('export default () => {};'),
      'netlify.toml': '[[edge-functions]]\nfunction = "guard"\npath = "/admin/*"\n',
    },
    ...{ status: 500, opens: false },
  },
  'in one table of netlify.toml': {
    files: { ...FUNCTION, 'netlify.toml': '[edge_functions]\nfunction = "guard"\npath = "/admin/*"\n' },
    ...{ status: 500, opens: false },
  },
  'in a netlify.toml that is not valid': {
    files: {
      'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npath = "/admin/*\n',
      'netlify/edge-functions/guard.js': 'export default () => {};',
    },
    ...{ status: 500, opens: false },
  },
  'of a framework whose manifest has another version': {
    files: {
      ...FUNCTION,
      '.netlify/edge-functions/guard.js': 'export default () => {};',
      '.netlify/edge-functions/manifest.json': '{"version":2,"functions":[{"function":"guard","path":"/admin/*"}]}',
    },
    ...{ status: 500, opens: false },
  },
};

for (const [what, guarded] of Object.entries(GUARDS)) {
  test(`no request passes an edge function ${what}`, async (t) => {
    await assertGuarded(t, { ...guarded, targets: ['/ADMIN/FN', '/Admin/fn?a=1'] });
  });
}

const MATCHED = [
  ...[
    '/admin',
    '/admin/',
    '/admin//',
    '/admin?x',
    '//admin',
    '/./admin',
    '/.//admin',
    '/x/../admin',
    '/admin/.',
    '/admin/..',
  ],
  ...[
    '/\\admin',
    '/x\\..\\admin',
    '/admin%5c',
    '/%61dmin',
    '/./%61dmin',
    '/%2561dmin',
    '/adm%69n',
    '/%2fadmin',
    '/x/..%2fadmin',
  ],
  ...['/x%2F..%2Fadmin', '/a/%252e%252e/admin', '/admin%00', '/admin%3fx', '/admin%23x'],
  ...['//host/admin', '/x/../admin//../y', '/a%2fb/%2e%2e/admin/y'],
];
const REFUSED = ['\\admin', '/admin#x', '*', 'a:80', '/admin\u007f'];
/** Other paths on the platform, too. A next hop may read them as `/admin`: docs/edge-functions.md says how such a guard is written. */
const OTHER = [
  ...[
    '/ADMIN',
    '/%41DMIN',
    '/admin;x',
    '/x/..;/admin',
    '/..;/admin',
    '/admin.',
    '/admin./',
    '/admin%2e',
    '/admin%20',
    '/admin%0a',
  ],
  ...['/admin.html', '/admin:80'],
];

for (const [what, code, guarded, passed] of [
  ['of /admin gets every reading of it, and no other path', `export default () => ${NO}; ${CONFIG}`, MATCHED, OTHER],
  [
    'of /admin that compares the path again gets every reading of it as a path that it guards',
    `export default ({ url }, context) => /^\\/admin(?:\\/|$)/.test(new URL(url).pathname) && context.url.href === url ? ${NO} : context.next(); ${CONFIG}`,
    // A URL cannot have dot segments.
    MATCHED.filter((target) => target !== '/admin/..'),
    OTHER,
  ],
  [
    'of all paths that excludes the open ones gets every other path',
    `export default () => ${NO}; export const config = { path: '/*', excludedPath: ['/', '/login', '/assets/:file'] };`,
    [
      ...[...MATCHED, ...OTHER, '//login', '/LOGIN', '/login;x', '/admin/%2e%2e/login', '/login/%2e%2e/admin'],
      ...['/assets/%2e%2e/admin', '/assets/..%2fadmin', '/assets/..;/admin', '/assets/a/..%5cadmin'],
    ],
    ['/', '/login', '/assets/a.css'],
  ],
] as const) {
  test(`a guard ${what}`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop');
    });
    const edge = await startEdge(t, { site: await siteFolder(t, site(code)), env: { NEXT_HOP: hop.url } });
    const statusOf = async (target: string) =>
      (await edge.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).split(' ')[1];

    for (const target of guarded) {
      t.is(await statusOf(target), '403', target);
      // A backslash in the authority would end it for some parsers.
      if (!target.startsWith('/\\')) t.is(await statusOf(`http://b${target}`), '403', `http://b${target}`);
    }
    for (const target of REFUSED) t.is(await statusOf(target), '400', target);
    t.is(hop.peers.length, 0);
    for (const target of passed) t.is(await statusOf(target), '200', target);
  });
}

test('a request that a guard passes on goes to the next hop with its path as received', async (t) => {
  const heads: string[] = [];
  const hop = await scriptedHop(t, async (peer) => {
    heads.push(await peer.readHead());
    peer.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop');
  });
  const code = `export default (request, { next }) => next(new Request(request, { headers: { 'x-seen': new URL(request.url).pathname } })); ${CONFIG}`;
  const edge = await startEdge(t, { site: await siteFolder(t, site(code)), env: { NEXT_HOP: hop.url } });

  await edge.exchange('GET //%61dmin/a%20b?c=/%61 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  const [head = ''] = heads;
  t.regex(head, /^GET \/\/%61dmin\/a%20b\?c=\/%61 HTTP/);
  t.regex(head, /x-seen: \/admin\/a%20b\r\n/i);
});

const BROKEN: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, problem: RegExp]>> = {
  'does not compile': [site('export default ((;'), /guard\.js:1/],
  'is named in netlify.toml and missing': [
    { 'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npath = "/*"\n' },
    /netlify\.toml:1 declares the edge function "guard", but no file has this name/,
  ],
  'has a wrong path': [
    site('export default () => {}; export const config = { path: "admin" };'),
    /must start with "\/"; every request is answered 500/,
  ],
  'imports a URL that is not vendored': [
    site(`import 'https://x.test/a.js'; export default () => {}; ${CONFIG}`),
    /is not in \.nexthop\/vendor/,
  ],
};

for (const [what, [files, problem]] of Object.entries(BROKEN)) {
  test(`nexthop build exits with 1 if an edge function ${what}`, async (t) => {
    const lines: string[] = [];
    const config = readConfig({ site: await siteFolder(t, files), env: {} });

    t.is(await build(config, (line) => lines.push(line)), 1);
    t.regex(lines.join('\n'), problem);
  });
}

test('nexthop build keeps edge functions, and a start uses them', async (t) => {
  const folder = await siteFolder(t, site(`export default () => new Response("built"); ${CONFIG}`));
  const config = readConfig({ site: folder, env: {} });

  t.is(await build(config, () => {}), 0);

  const edge = await startEdge(t, { site: folder });
  t.deepEqual(edge.edge.site.problems, []);
  t.true((await edge.exchange('GET /admin/a HTTP/1.0\r\n\r\n')).endsWith('built'));
});

test('with EDGE_FUNCTIONS=ignore none is called, and the start lists them', async (t) => {
  const files = { ...site(`export default () => new Response("edge"); ${CONFIG}`), 'public/admin/a.txt': 'file' };
  const edge = await startEdge(t, { site: await siteFolder(t, files), env: { EDGE_FUNCTIONS: 'ignore' } });

  t.true((await edge.exchange('GET /admin/a.txt HTTP/1.0\r\n\r\n')).endsWith('file'));
  t.regex(edge.edge.site.problems.map(({ message }) => message).join(), /not called.*guard.*what they protect is open/);
});
