import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

/** Starts an edge with the middleware, in front of a hop that answers each request with its head and body. */
async function edgeWith(
  t: ExecutionContext,
  middleware: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<RunningEdge> {
  const site = await siteFolder(t, { 'middleware.js': middleware, ...files });
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const text = head + (await peer.readBytes(length));
      peer.write(`HTTP/1.1 200 OK\r\nX-Own: hop\r\nSet-Cookie: hop=1\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    }
  });
  return startEdge(t, { site, env: { NEXT_HOP: hop.url, ...env } });
}

function get(edge: RunningEdge, target: string, headers = ''): Promise<string> {
  return edge.exchange(`GET ${target} HTTP/1.1\r\nHost: a.example\r\n${headers}Connection: close\r\n\r\n`);
}

/** Closes the edge first, because the log is written in batches. */
async function errorsOf(edge: RunningEdge): Promise<Record<string, unknown>[]> {
  await edge.close();
  return edge.errorLines();
}

function post(edge: RunningEdge, target: string, body: string): Promise<string> {
  return edge.exchange(
    `POST ${target} HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const GUARD = `
export const config = { matcher: ['/admin/:path*', '^/user/\\\\d+$'] };
export function middleware({ request, next }) {
  if (request.headers.get('authorization') !== 'yes') return new Response('unauthorized', { status: 401 });
  return next();
}`;

const GUARDED: Readonly<Record<string, boolean>> = {
  '/admin/a/b?c': true,
  '/user/7': true,
  '/administrator': false,
  '/public/..%2fadmin': true,
};

for (const [target, isGuarded] of Object.entries(GUARDED)) {
  test(`a middleware for /admin is ${isGuarded ? '' : 'not '}called for ${target}`, async (t) => {
    const edge = await edgeWith(t, GUARD);

    t.is((await get(edge, target)).slice(9, 12), isGuarded ? '401' : '200');
    t.is((await get(edge, target, 'Authorization: yes\r\n')).slice(9, 12), '200');
  });
}

test('a middleware is called for a WebSocket handshake to the hop', async (t) => {
  const edge = await edgeWith(t, GUARD);
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';

  const client = await edge.connect();
  client.write(`GET /admin HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);

  t.regex(await client.readUntil('unauthorized'), /^HTTP\/1\.1 401 /);
});

test('a middleware without a matcher is called before functions, files and the hop', async (t) => {
  const files = { 'cloud-functions/f.js': 'export const onRequest = () => new Response("f");', 'public/a.txt': 'a' };
  const edge = await edgeWith(
    t,
    'export const middleware = ({ request }) => new Response("mine " + new URL(request.url).pathname);',
    files,
  );

  for (const target of ['/f', '/a.txt', '/hop']) t.true((await get(edge, target)).endsWith(`\r\nmine ${target}`));
  const [line] = await edge.accessLines(1);
  t.is(line?.target, 'middleware.js');
});

test('next sets headers of the request and of the response, for functions and the hop', async (t) => {
  const middleware = `export function middleware({ request, next }) {
    const headers = new Headers(request.headers);
    headers.set('x-user', 'u1');
    headers.set('User-Agent', 'changed');
    const response = next({ request: { headers }, headers: { 'X-Own': 'middleware' } });
    response.headers.set('x-late', 'too');
    response.cookies.set('seen', 'a b', { maxAge: 60, httpOnly: true, sameSite: 'lax' });
    return response;
  }`;
  const echo =
    'export const onRequest = ({ request }) => Response.json(Object.fromEntries(request.headers), { headers: { "x-own": "function", "set-cookie": "f=1" } });';
  const edge = await edgeWith(t, middleware, { 'cloud-functions/echo.js': echo });

  for (const target of ['/echo', '/hop']) {
    const answer = await get(edge, target, 'User-Agent: before\r\nX-Twice: 1\r\nX-Twice: 2\r\n');
    const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
    t.deepEqual(head.match(/^x-own: .*$/gim), ['x-own: middleware']);
    t.regex(head, /^x-late: too$/m);
    t.deepEqual(
      head
        .match(/^set-cookie: .*$/gim)
        ?.map((each) => each.slice(12))
        .toSorted(),
      [target === '/hop' ? 'hop=1' : 'f=1', 'seen=a%20b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax'],
    );
    t.regex(body, target === '/hop' ? /^x-user: u1\r$/m : /"x-user":"u1"/);
    t.regex(body, target === '/hop' ? /^User-Agent: changed\r$/m : /"user-agent":"changed"/);
    if (target === '/hop') t.regex(body, /X-Twice: 1\r\nX-Twice: 2\r\n/);
  }
});

test('next with headers only sets them on request and response, as on the platform', async (t) => {
  const edge = await edgeWith(t, 'export const middleware = ({ next }) => next({ headers: { "x-both": "1" } });');

  const [head = '', body = ''] = (await get(edge, '/hop')).split(/\r\n\r\n(.*)/s);

  t.regex(head, /^x-both: 1$/m);
  t.regex(body, /^x-both: 1\r$/m);
});

test('headers that frame or route a request are not changed, and the log says so', async (t) => {
  const edge = await edgeWith(
    t,
    'export const middleware = ({ next }) => next({ request: { headers: { "Content-Length": "99", Host: "evil", "Transfer-Encoding": "chunked" } } });',
  );

  const answer = await post(edge, '/hop', 'hello');

  t.true(answer.endsWith('hello'));
  t.regex(answer, /\r\nHost: a\.example\r\nContent-Length: 5\r\n/);
  const [line] = await errorsOf(edge);
  t.deepEqual(line?.headers, ['content-length', 'host', 'transfer-encoding']);
});

test('a client cannot remove a header that the middleware sets by naming it in Connection', async (t) => {
  const edge = await edgeWith(
    t,
    "export function middleware({ next }) { return next({ request: { headers: new Headers({ 'x-user': 'reader' }) } }); }",
  );

  for (const connection of ['x-user', 'close, X-User']) {
    const text = `GET /hop HTTP/1.1\r\nHost: a\r\nX-User: root\r\nX-Own: 1\r\nConnection: ${connection}\r\nConnection: close\r\n\r\n`;
    const answer = await edge.exchange(text);

    t.regex(answer, /\r\nx-user: reader\r\n/i, connection);
    t.notRegex(answer, /root/);
  }
});

test('a rewritten request reaches functions, files and the hop, with its body', async (t) => {
  const files = {
    'cloud-functions/f.js':
      'export const onRequest = async ({ request }) => new Response(new URL(request.url).search + await request.text());',
    'public/a.txt': 'file',
  };
  const edge = await edgeWith(
    t,
    'export const middleware = ({ rewrite, urlInfo }) => rewrite(urlInfo.searchParams.get("to"));',
    files,
  );

  t.true((await post(edge, '/x?to=/f?q=1', 'hello')).endsWith('\r\n?q=1hello'));
  t.true((await get(edge, '/x?to=http://a.example/a.txt')).endsWith('\r\nfile'));
  t.true((await get(edge, '/x?to=hop')).includes('\r\n\r\nGET /hop HTTP/1.1\r\n'));
  t.is((await edge.accessLines(3))[0]?.request, 'POST /x?to=/f?q=1 HTTP/1.1');
});

test('a rewrite to another origin is a fault of the middleware', async (t) => {
  const edge = await edgeWith(t, 'export const middleware = ({ rewrite }) => rewrite("http://169.254.169.254/meta");');

  t.regex(await get(edge, '/x'), /^HTTP\/1\.1 500 .*function_bad_answer/s);
  t.regex(String((await errorsOf(edge))[0]?.message), /rewrote to "http:\/\/169\.254\.169\.254\/meta"/);
});

test('a redirect of a middleware has its Location and its cookies', async (t) => {
  const edge = await edgeWith(
    t,
    `export function middleware({ redirect, urlInfo }) {
    urlInfo.pathname = '/maß';
    const response = urlInfo.search ? redirect(urlInfo, 308) : redirect('/login');
    response.cookies.set('from', '1').delete('old');
    return response;
  }`,
  );

  const relative = await get(edge, '/x');
  t.regex(relative, /^HTTP\/1\.1 307 .*\r\nlocation: \/login\r\n/is);
  t.regex(relative, /set-cookie: from=1; Path=\/\r\n/i);
  t.regex(relative, /set-cookie: old=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n/i);
  t.regex(await get(edge, '/x?y'), /^HTTP\/1\.1 308 .*\r\nlocation: http:\/\/a\.example\/ma%C3%9F\?y\r\n/is);
});

const PASSING: Readonly<Record<string, string>> = {
  'returns nothing': 'export const middleware = () => {};',
  throws: 'export const middleware = () => { throw new Error("on purpose"); };',
  'returns a string': 'export const middleware = () => "ok";',
};

for (const [what, middleware] of Object.entries(PASSING)) {
  test(`a request continues after a middleware that ${what}`, async (t) => {
    const edge = await edgeWith(t, middleware);

    t.regex(await post(edge, '/x', 'hello'), /^HTTP\/1\.1 200 .*POST \/x HTTP\/1\.1\r\n.*hello$/s);
    const lines = await errorsOf(edge);
    t.is(lines.length, what === 'returns nothing' ? 0 : 1);
    if (what === 'throws')
      t.regex(JSON.stringify(lines[0]), /the middleware threw; .*"file":"middleware\.js","line":1,/);
  });
}

test('a request whose middleware exceeds the time limit gets 504', async (t) => {
  const middleware = 'export const middleware = () => new Promise(() => {});';
  const edge = await edgeWith(t, middleware, {}, { FUNCTION_TIMEOUT: '50ms' });

  t.regex(await get(edge, '/x'), /^HTTP\/1\.1 504 .*function_timeout/s);
});

test('a middleware may read the body and answer', async (t) => {
  const edge = await edgeWith(
    t,
    'export const middleware = async ({ request }) => new Response("got " + await request.text());',
  );

  t.true((await post(edge, '/x', 'hello')).endsWith('\r\ngot hello'));
});

test('a middleware that reads the body and does not answer causes a 500', async (t) => {
  const edge = await edgeWith(
    t,
    'export const middleware = async ({ request, next }) => { await request.text(); return next(); };',
  );

  t.regex(await post(edge, '/x', 'hello'), /^HTTP\/1\.1 500 .*function_bad_answer/s);
});

test('a clone that a middleware keeps does not read the body of a request that it did not answer', async (t) => {
  const edge = await edgeWith(
    t,
    `export function middleware({ request, next, waitUntil }) {
    const clone = request.clone();
    waitUntil(new Promise((resolve) => setImmediate(resolve)).then(() => clone.text()));
    return next();
  }`,
  );

  t.true((await post(edge, '/x', 'hello')).endsWith('hello'));
  t.regex(JSON.stringify(await errorsOf(edge)), /work after the response failed: the body is no longer available/);
});

test('redirects of edgeone.json are applied before the middleware, rewrites and headers after it', async (t) => {
  const json = {
    redirects: [{ source: '/old', destination: '/new', statusCode: 301 }],
    rewrites: [{ source: '/b', destination: '/c' }],
    headers: [
      {
        source: '/a',
        headers: [
          { key: 'x-own', value: 'json' },
          { key: 'x-more', value: 'json' },
        ],
      },
    ],
  };
  const files = {
    'edgeone.json': JSON.stringify(json),
    'cloud-functions/c.js': 'export const onRequest = () => new Response("c");',
  };
  const edge = await edgeWith(
    t,
    `export function middleware({ rewrite }) {
    const response = rewrite('/b');
    response.headers.set('x-own', 'middleware');
    return response;
  }`,
    files,
  );

  t.regex(await get(edge, '/old'), /^HTTP\/1\.1 301 /);
  const answer = await get(edge, '/a');
  t.regex(answer, /\r\nx-own: middleware\r\n/);
  t.regex(answer, /\r\nx-more: json\r\n/);
  t.true(answer.endsWith('\r\nc'));
});
