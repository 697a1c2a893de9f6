import { createServer } from 'node:http';
import test from 'ava';
import { startEdge } from '../../helpers/edge.ts';
import { listen } from '../../helpers/listen.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const FUNCTION = (config: string) =>
  `export default (request) => new Response("answered " + new URL(request.url).pathname);\nexport const config = { ${config} };`;
const LIMIT = 'rateLimit: { windowLimit: 1, windowSize: 60, aggregateBy: ["ip"]';

const SITE = {
  'netlify/functions/paths.mjs': FUNCTION(`path: ["/one", "/two"], ${LIMIT} }`),
  'netlify/functions/plain.mjs': FUNCTION(`${LIMIT} }`),
  'netlify/functions/behind.mjs': FUNCTION(`path: "/page", preferStatic: true, ${LIMIT} }`),
  'netlify/functions/moved.mjs': FUNCTION(`path: "/moved", ${LIMIT}, action: "rewrite", to: "/one" }`),
  'netlify/functions/work-background.mjs': FUNCTION(`path: "/work", ${LIMIT} }`),
  'netlify/functions/open.mjs': FUNCTION('path: "/open"'),
  'netlify/functions/wrong.mjs': FUNCTION('path: "/wrong", rateLimit: { windowLimit: "5", windowSize: 60 }'),
  'netlify/functions/unread.mjs': `const limit = { windowLimit: 5 };\n${FUNCTION('path: "/unread", rateLimit: limit')}`,
  'middleware.js':
    'export function middleware({ next, request }) { if (new URL(request.url).pathname === "/guarded") return new Response("middleware"); return next(); }',
  'public/index.html': 'home',
  'public/page.html': 'page',
  'netlify.toml': `
[[redirects]]
  from = "/to-function"
  to = "/.netlify/functions/plain"
  status = 200
  [redirects.rate_limit]
    window_limit = 1
    window_size = 60
    aggregate_by = ["ip", "domain"]
[[redirects]]
  from = "/forced"
  to = "/elsewhere"
  force = true
  [redirects.rate_limit]
    window_limit = 1
    window_size = 60
    aggregate_by = "ip"
[[redirects]]
  from = "/page"
  to = "/elsewhere"
  [redirects.rate_limit]
    window_limit = 1
    window_size = 60
    aggregate_by = "ip"
[[redirects]]
  from = "/guarded"
  to = "/elsewhere"
  force = true
  [redirects.rate_limit]
    window_limit = 1
    window_size = 60
    aggregate_by = "ip"
[[redirects]]
  from = "/wrong-rule"
  to = "/elsewhere"
  [redirects.rate_limit]
    window_limit = 0
    window_size = 60
    aggregate_by = "ip"
`,
};

test('limits of Netlify functions and redirects hold, and what has a wrong one answers 404', async (t) => {
  const site = await siteFolder(t, SITE);
  const edge = await startEdge(t, { site, env: { NEXT_HOP: 'http://127.0.0.1:1' } });
  const ask = async (target: string): Promise<string> => {
    const answer = await fetch(edge.url + target, { redirect: 'manual' });
    const text = await answer.text();
    return answer.status === 200 ? text : `${answer.status}`;
  };
  const askAll = async (targets: readonly string[]): Promise<readonly string[]> => {
    const answers: string[] = [];
    for (const target of targets) answers.push(await ask(target));
    return answers;
  };

  // All paths of a function have one count; so has its default URL.
  t.deepEqual(await askAll(['/one', '/two', '/one']), ['answered /one', '429', '429']);
  t.deepEqual(await askAll(Array(2).fill('/.netlify/functions/plain')), ['answered /.netlify/functions/plain', '429']);
  // A file that answers costs nothing.
  t.deepEqual(await askAll(['/page', '/page']), ['page', 'page']);
  t.deepEqual(await askAll(['/moved', '/moved']), ['answered /moved', 'answered /one']);
  t.deepEqual(await askAll(['/work', '/work']), ['202', '429']);
  t.deepEqual(await askAll(['/open', '/open']), ['answered /open', 'answered /open']);
  // A rewrite counts for its own rule, and not for that of the function.
  t.deepEqual(await askAll(['/to-function', '/to-function']), ['answered /to-function', '429']);
  t.deepEqual(await askAll(['/forced', '/forced']), ['301', '429']);
  t.deepEqual(await askAll(['/guarded', '/guarded']), ['middleware', '429']);
  t.deepEqual(await askAll(['/wrong', '/unread', '/.netlify/functions/wrong', '/wrong-rule']), [
    '404',
    '404',
    '502',
    '404',
  ]);
  t.deepEqual(
    edge.edge.site.problems
      .filter(({ severity }) => severity === 'error')
      .map(({ file, line, message }) => `${file}:${line} ${message}`)
      .toSorted(),
    [
      'netlify.toml:37 redirects[4].rate_limit.window_limit must be a whole number of at least 1, got 0; what it limits answers 404',
      'netlify/functions/unread.mjs:3 rateLimit must be a table that is written out, got null; what it limits answers 404',
      'netlify/functions/wrong.mjs:2 rateLimit.windowLimit must be a whole number of at least 1, got "5"; what it limits answers 404',
    ],
  );
});

test('requests above a limit are rewritten to a file, a function or the next hop, and proxied and moved ones have limits', async (t) => {
  const rewriting = (name: string, to: string) =>
    FUNCTION(`path: "/${name}", ${LIMIT}, action: "rewrite", to: "${to}" }`);
  const redirect = (from: string, to: string, status: number) => `
[[redirects]]
  from = "${from}"
  to = "${to}"
  status = ${status}
  [redirects.rate_limit]
    window_limit = 1
    window_size = 60
    aggregate_by = ["ip", "domain"]
`;
  const hop = await listen(
    t,
    createServer(({ url }, response) => response.end(`hop ${url}`)),
  );
  const site = await siteFolder(t, {
    'netlify/functions/file.mjs': rewriting('to-file', '/page.html'),
    'netlify/functions/function.mjs': rewriting('to-function', '/open'),
    'netlify/functions/hop.mjs': rewriting('to-hop', '/elsewhere'),
    'netlify/functions/limited.mjs': rewriting('to-limited', '/to-file'),
    'netlify/functions/open.mjs': FUNCTION('path: "/open"'),
    'public/page.html': 'page',
    'netlify.toml': redirect('/proxied', `${hop}/elsewhere`, 200) + redirect('/moved', '/elsewhere', 301),
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop } });
  const ask = async (target: string): Promise<string> => {
    const answer = await fetch(edge.url + target, { redirect: 'manual' });
    const text = await answer.text();
    return answer.ok ? text : `${answer.status}`;
  };

  const twice: Record<string, readonly string[]> = {};
  for (const path of ['/to-file', '/to-function', '/to-hop', '/to-limited', '/proxied', '/moved'])
    twice[path] = [await ask(path), await ask(path)];

  t.deepEqual(twice, {
    '/to-file': ['answered /to-file', 'page'],
    '/to-function': ['answered /to-function', 'answered /open'],
    '/to-hop': ['answered /to-hop', 'hop /elsewhere'],
    // What the rewritten request finds has no limit any more.
    '/to-limited': ['answered /to-limited', 'answered /to-file'],
    '/proxied': ['hop /elsewhere', '429'],
    '/moved': ['301', '429'],
  });
});

test('a hit of the cache counts, and neither a refusal nor the fields of a limit are stored', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/kept.mjs': `let calls = 0;
      export default () => new Response("call " + ++calls, { headers: { "Cache-Control": "public, s-maxage=60" } });
      export const config = { path: "/kept", rateLimit: { windowLimit: 3, windowSize: 60, aggregateBy: ["ip", "domain"] } };`,
  });
  const edge = await startEdge(t, { site, env: { CACHE: 'functions', RATE_LIMIT_FIELDS: '1' } });
  const seen: unknown[] = [];

  for (let count = 0; count < 4; count++) {
    const answer = await fetch(`${edge.url}/kept`);
    const text = await answer.text();
    seen.push([
      answer.status,
      answer.status === 200 ? text : '',
      /r=\d/.exec(answer.headers.get('ratelimit') ?? '')?.[0],
    ]);
  }
  const other = await fetch(`${edge.url}/kept`, { headers: { 'X-Forwarded-For': '198.51.100.9' } });

  t.deepEqual(seen, [
    [200, 'call 1', 'r=2'],
    [200, 'call 1', 'r=1'],
    [200, 'call 1', 'r=0'],
    [429, '', 'r=0'],
  ]);
  t.deepEqual(
    [other.status, await other.text(), other.headers.get('ratelimit')?.includes('r=2')],
    [200, 'call 1', true],
  );
});

const EDGE = (config: string, code = '') =>
  `export default (request, context) => { ${code} };\nexport const config = { ${config} };`;

test('the limit of an edge function comes before it and the cache, and a wrong one closes what it guards', async (t) => {
  const site = await siteFolder(t, {
    'netlify/edge-functions/answering.js': EDGE('path: "/page"', 'return new Response("answered")'),
    'netlify/edge-functions/counted.js': EDGE(`path: ["/page", "/p*", "/socket"], ${LIMIT} }`),
    'netlify/edge-functions/behind.js': EDGE(`path: "/kept", cache: "manual", ${LIMIT} }`),
    'netlify/edge-functions/wrong.js': EDGE(
      'path: "/admin/*", rateLimit: { windowLimit: 5, aggregateBy: "ip", algorithm: "sliding_window" }',
    ),
    'netlify/functions/kept.mjs': `export default () => new Response("kept", { headers: { "Cache-Control": "public, s-maxage=60" } });
      export const config = { path: "/kept" };`,
    'public/admin/secret.html': 'secret',
  });
  const edge = await startEdge(t, { site, env: { CACHE: 'functions', NEXT_HOP: 'http://127.0.0.1:1' } });
  const ask = async (target: string): Promise<readonly [number, string]> => {
    const answer = await fetch(edge.url + target);
    const text = await answer.text();
    return [answer.status, answer.ok ? text : ''];
  };

  t.deepEqual(
    [await ask('/page'), await ask('/page')],
    [
      [200, 'answered'],
      [429, ''],
    ],
  );
  t.deepEqual(
    [await ask('/kept'), await ask('/kept')],
    [
      [200, 'kept'],
      [429, ''],
    ],
  );
  t.deepEqual(
    [await ask('/admin/secret'), await ask('/admin/none')],
    [
      [404, ''],
      [404, ''],
    ],
  );
  const handshake = ['GET /socket HTTP/1.1', 'Host: a', 'Connection: Upgrade, close', 'Upgrade: websocket'];
  handshake.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
  handshake.push('X-Forwarded-For: 198.51.100.7', '', '');
  const [first, second] = [await edge.exchange(handshake.join('\r\n')), await edge.exchange(handshake.join('\r\n'))];
  t.deepEqual([first.slice(9, 12), second.slice(9, 12)], ['502', '429']);
  const errors = edge.edge.site.problems.filter(({ severity }) => severity === 'error');
  t.deepEqual(
    errors.map(({ file, line, message }) => `${file}:${line} ${message}`),
    ['netlify/edge-functions/wrong.js:2 rateLimit.algorithm is no key of a rate limit; what it limits answers 404'],
  );
});
