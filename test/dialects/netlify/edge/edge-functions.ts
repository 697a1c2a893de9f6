import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const HOST = 'Host: a\r\nConnection: close\r\n';

function get(path: string, ...lines: string[]): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

const EDGE = 'netlify/edge-functions/';
const FUNCTION = 'export default () => new Response("function"); export const config = { path: "/fn" };';
const ADD = (name: string, config: string) => `
  export default async (request, context) => {
    const response = await context.next();
    return new Response(\`\${await response.text()}|${name}\`, response);
  };
  export const config = ${config};`;

const ANSWERS: Readonly<Record<string, readonly [code: string, request: string, expected: RegExp]>> = {
  'a Response': ['export default () => new Response("edge", { status: 201 })', get('/fn'), /^HTTP\/1\.1 201 .*edge$/s],
  'nothing: the function answers': ['export default () => {}', get('/fn'), /\r\n\r\nfunction$/],
  'nothing: a file answers': ['export default () => {}', get('/a.txt'), /\r\n\r\nfile$/],
  'a URL: it answers': ['export default (r) => new URL("/a.txt?x", r.url)', get('/fn'), /^HTTP\/1\.1 200 .*file$/s],
  'a URL of another site': ['export default () => new URL("http://other.test/")', get('/fn'), /^HTTP\/1\.1 500 /],
  'next()': ['export default (r, context) => context.next()', get('/fn'), /\r\n\r\nfunction$/],
  'what next() gave, with a header': [
    'export default async (r, c) => { const a = await c.next(); a.headers.set("x-a", "1"); return a; }',
    get('/a.txt'),
    /x-a: 1\r\n.*\r\n\r\nfile$/s,
  ],
  'nothing after next()': ['export default async (r, c) => { await c.next(); }', get('/fn'), /\r\n\r\nfunction$/],
  'its own answer after next()': [
    'export default async (r, c) => { c.next(); return new Response("mine"); }',
    get('/fn'),
    /\r\n\r\nmine$/,
  ],
  'next() twice': [
    'export default async (r, c) => { await c.next(); await c.next(); }',
    get('/fn'),
    /^HTTP\/1\.1 500 .*function_error/s,
  ],
  'next(request) for another path': [
    'export default (r, c) => c.next(new Request(new URL("/a.txt", r.url), r))',
    get('/fn'),
    /\r\n\r\nfile$/,
  ],
  'rewrite(path)': ['export default (r, c) => c.rewrite("/a.txt")', get('/fn'), /\r\n\r\nfile$/],
  'a text': ['export default () => "text"', get('/fn'), /^HTTP\/1\.1 500 .*function_error/s],
  'an error': ['export default () => { throw new Error("secret") }', get('/fn'), /^HTTP\/1\.1 500 (?!.*secret)/s],
  'context.json': ['export default (r, c) => c.json({ a: 1 })', get('/fn'), /application\/json.*\{"a":1\}$/s],
  'cookies with nothing': [
    'export default (r, { cookies }) => cookies.set("a", cookies.get("b"))',
    get('/fn', 'Cookie: b=2'),
    /set-cookie: a=2\r\n.*function$/is,
  ],
  'cookies with next()': [
    'export default (r, c) => { c.cookies.set("a", "1"); return c.next() }',
    get('/a.txt'),
    /set-cookie: a=1\r\n.*file$/is,
  ],
};

for (const [what, [code, request, expected]] of Object.entries(ANSWERS)) {
  test(`an edge function answers with ${what}`, async (t) => {
    const site = await siteFolder(t, {
      [`${EDGE}all.js`]: `${code}; export const config = { path: "/*" };`,
      'netlify/functions/fn.mjs': FUNCTION,
      'public/a.txt': 'file',
    });
    const edge = await startEdge(t, { site });

    t.regex(await edge.exchange(request), expected);
  });
}

test('edge functions are called in the order of their declarations, those with a manual cache last', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': ['b', 'c', 'a']
      .map((name) => `[[edge_functions]]\nfunction = "toml-${name}"\npath = "/x"`)
      .join('\n'),
    ...Object.fromEntries(['a', 'b', 'c'].map((name) => [`${EDGE}toml-${name}.js`, ADD(`toml ${name}`, '{}')])),
    [`${EDGE}isc-a.js`]: ADD('isc a', '{ path: "/x" }'),
    [`${EDGE}isc-b.js`]: ADD('isc b', '{ path: "/x" }'),
    [`${EDGE}early.js`]: ADD('manual', '{ path: "/x", cache: "manual" }'),
    '.netlify/edge-functions/int-b.js': ADD('int b', '{}'),
    '.netlify/edge-functions/int-a.js': ADD('int a', '{}'),
    '.netlify/edge-functions/manifest.json': JSON.stringify({
      version: 1,
      functions: [
        { function: 'int-b', path: '/x' },
        { function: 'int-a', path: '/x' },
      ],
    }),
    '.netlify/v1/edge-functions/new-a.js': ADD('new a', '{ path: "/x" }'),
    'public/x': 'file',
  });
  const edge = await startEdge(t, { site });

  const [, body] = (await edge.exchange(get('/x'))).split('\r\n\r\n');

  // The first that is called adds its name last.
  const order = ['int b', 'int a', 'new a', 'toml b', 'toml c', 'toml a', 'isc a', 'isc b', 'manual'];
  t.is(body, ['file', ...order.reverse()].join('|'));
});

const MATCHES: Readonly<Record<string, readonly [config: string, request: string, isCalled: boolean]>> = {
  'a path with a param': ['{ path: "/a/:id" }', get('/a/1'), true],
  'a path with a slash at its end': ['{ path: "/a" }', get('/a/'), true],
  'a path in another case': ['{ path: "/a" }', get('/A'), false],
  'a path below': ['{ path: "/a" }', get('/a/b'), false],
  'one of several paths': ['{ path: ["/b", "/a"] }', get('/a'), true],
  'an excluded path': ['{ path: "/*", excludedPath: "/a" }', get('/a'), false],
  'a pattern': ['{ pattern: "/a|/b" }', get('/b'), true],
  'an excluded pattern': ['{ path: "/*", excludedPattern: "/.*\\\\.txt" }', get('/a.txt'), false],
  'a method': ['{ path: "/*", method: "post" }', get('/a'), false],
  'one of several methods': ['{ path: "/*", method: ["POST", "GET"] }', get('/a'), true],
  'a header that is there': ['{ path: "/*", header: { "X-A": true } }', get('/a', 'x-a: 1'), true],
  'a header that is missing': ['{ path: "/*", header: { "X-A": true } }', get('/a'), false],
  'a header that must not be there': ['{ path: "/*", header: { "X-A": false } }', get('/a', 'x-a: 1'), false],
  'a header with an expression': ['{ path: "/*", header: { "X-A": "^1,2$" } }', get('/a', 'x-a: 1', 'X-A: 2'), true],
};

for (const [what, [config, request, isCalled]] of Object.entries(MATCHES)) {
  test(`an edge function is ${isCalled ? '' : 'not '}called for ${what}`, async (t) => {
    const site = await siteFolder(t, {
      [`${EDGE}one.js`]: `export default () => new Response("edge"); export const config = ${config};`,
      'public/index.html': 'home',
    });
    const edge = await startEdge(t, { site, env: { NEXT_HOP: 'http://127.0.0.1:1' } });

    t.is((await edge.exchange(request)).endsWith('\r\n\r\nedge'), isCalled);
  });
}

test('params are those of the path, not decoded, and the query is as it was sent', async (t) => {
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]: `export default (r, { params, url }) => Response.json([params, url.search, r.url]);
      export const config = { path: "/p/:a/*" };`,
  });
  const edge = await startEdge(t, { site });

  const text = await edge.exchange(get('/p/x%20y/z/1?1,2,3'));
  t.true(text.endsWith('[{"0":"z/1","a":"x%20y"},"?1,2,3","http://a/p/x%20y/z/1?1,2,3"]'), text);
});

test('headers that an edge function sets on its request reach the next hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    peer.end(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Got: ${/x-new: (.*)\r\n/i.exec(head)?.[1]}\r\n\r\na`);
  });
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]:
      'export default (r) => { r.headers.set("x-new", "1") }; export const config = { path: "/*", excludedPath: "/n" };',
    [`${EDGE}two.js`]:
      'export default (r, c) => { r.headers.set("x-new", "2"); return c.next() }; export const config = { path: "/n" };',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  t.regex(await edge.exchange(get('/')), /X-Got: 1\r\n/);
  t.regex(await edge.exchange(get('/n')), /X-Got: 2\r\n/);
});

test('a body that an edge function has read is passed on by next(request)', async (t) => {
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]: `export default async (request, context) => {
        const body = (await request.text()).toUpperCase();
        if (body === "LOSE") return;
        return context.next(new Request(request, { body }));
      };
      export const config = { path: "/*" };`,
    'netlify/functions/fn.mjs':
      'export default async (r) => new Response(await r.text()); export const config = { path: "/fn" };',
  });
  const edge = await startEdge(t, { site });
  const post = (body: string) => `POST /fn HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;

  t.regex(await edge.exchange(post('hello')), /\r\n\r\nHELLO$/);
  t.regex(await edge.exchange(post('lose')), /^HTTP\/1\.1 500 /);
});

test('conditions of the client hold for the final response', async (t) => {
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]: `export default async (r, c) => {
        const response = await c.next();
        return r.url.endsWith("?new") ? new Response("new", { headers: { etag: '"1"' } }) : response;
      };
      export const config = { path: "/*" };`,
    'public/a.txt': 'file',
  });
  const edge = await startEdge(t, { site });
  const [, etag = ''] = /ETag: (.*)\r\n/i.exec(await edge.exchange(get('/a.txt'))) ?? [];

  t.regex(await edge.exchange(get('/a.txt', `If-None-Match: ${etag}`)), /^HTTP\/1\.1 304 .*\r\n\r\n$/s);
  t.regex(await edge.exchange(get('/a.txt', 'If-None-Match: "no"')), /^HTTP\/1\.1 200 /);
  t.regex(await edge.exchange(get('/a.txt?new', 'If-None-Match: "1"')), /^HTTP\/1\.1 304 /);
});

const ON_ERROR: Readonly<Record<string, RegExp>> = {
  fail: /^HTTP\/1\.1 500 /,
  bypass: /\r\n\r\nfile$/,
  '/other.txt': /\r\n\r\nother$/,
};

for (const [onError, expected] of Object.entries(ON_ERROR)) {
  test(`an edge function that throws, with onError: ${onError}`, async (t) => {
    const site = await siteFolder(t, {
      [`${EDGE}one.js`]: `export default () => { throw new Error() };
        export const config = { path: "/*", onError: "${onError}" };`,
      'public/a.txt': 'file',
      'public/other.txt': 'other',
    });
    const edge = await startEdge(t, { site });

    t.regex(await edge.exchange(get('/a.txt')), expected);
  });
}

test('a body that an edge function has changed reaches the next hop in chunks', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    const body = await peer.readUntil('0\r\n\r\n');
    peer.end(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Got: ${/chunked/.test(head)} ${body.split('\r\n')[1]}\r\n\r\n`);
  });
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]: `export default async (request, context) =>
        context.next(new Request(request, { body: (await request.text()).toUpperCase() }));
      export const config = { path: "/*" };`,
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  const text = await edge.exchange(`POST /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`);
  t.regex(text, /X-Got: true HELLO\r\n/);
});

test('the request of an edge function stays as it was, whatever later ones change', async (t) => {
  const site = await siteFolder(t, {
    [`${EDGE}a.js`]: `export default async (request, context) => {
        await context.next();
        const seen = [request.headers.get('authorization'), request.headers.get('x-inner'), new URL(request.url).pathname];
        return Response.json([...seen, Object.fromEntries(request.headers)['authorization'], new Request(request).url]);
      };
      export const config = { path: "/*" };`,
    [`${EDGE}b.js`]: `export default (request) => {
        request.headers.set('x-inner', 'token');
        request.headers.delete('authorization');
      };
      export const config = { path: "/*" };`,
    'public/a.txt': 'file',
  });
  const edge = await startEdge(t, { site });

  t.true(
    (await edge.exchange(get('/a.txt', 'Authorization: mine'))).endsWith(
      '["mine",null,"/a.txt","mine","http://a/a.txt"]',
    ),
  );
});

test('a request that waits in next() is answered during a drain', async (t) => {
  const asked = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    asked.resolve();
    await closing.promise;
    peer.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  });
  const site = await siteFolder(t, {
    [`${EDGE}one.js`]: 'export default (r, c) => c.next(); export const config = { path: "/*" };',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });
  const answer = edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked.promise;

  const closed = edge.close();
  closing.resolve();

  t.regex(await answer, /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*late$/s);
  await closed;
});
