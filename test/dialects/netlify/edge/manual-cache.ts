import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { handshake } from '../../../helpers/tunnel-server.ts';

const EDGE = 'netlify/edge-functions/one.js';
const MANUAL = 'export const config = { path: "/*", cache: "manual" };';
const FRESH = '{ headers: { "cache-control": "public, s-maxage=60" } }';

/** Counts the calls of a function in its own module. */
const CALLS = 'let calls = 0;';

async function startSite(t: ExecutionContext, code: string, files: Readonly<Record<string, string>> = {}, env = {}) {
  const site = await siteFolder(t, { [EDGE]: CALLS + code, 'public/a.txt': 'file', ...files });
  return startEdge(t, { site, env });
}

/** The content of a GET, or of another request. */
async function ask(edge: RunningEdge, target: string, lines = '', method = 'GET'): Promise<string> {
  const text = await edge.exchange(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`);
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

const STORED: Readonly<Record<string, readonly [code: string, first: string, second: string]>> = {
  'a response with a lifetime': [`export default () => new Response(++calls, ${FRESH}); ${MANUAL}`, '1', '1'],
  'a response with Expires': [
    `export default () => new Response(++calls, { headers: { expires: new Date(Date.now() + 60_000).toUTCString() } }); ${MANUAL}`,
    '1',
    '1',
  ],
  'no response without a lifetime': [`export default () => new Response(++calls); ${MANUAL}`, '1', '2'],
  'no response of a function without a manual cache': [
    `export default () => new Response(++calls, ${FRESH}); export const config = { path: "/*" };`,
    '1',
    '2',
  ],
  'no response with a cookie': [
    `export default (request, context) => {
      context.cookies.set('a', '1');
      return new Response(++calls, ${FRESH});
    }; ${MANUAL}`,
    '1',
    '2',
  ],
  'what next() gave, with a lifetime of its own': [
    `export default async (request, context) => {
      if (++calls > 1) return new Response('called again');
      const response = await context.next();
      response.headers.set('cache-control', 's-maxage=60');
      return response;
    }; ${MANUAL}`,
    'file',
    'file',
  ],
  'a response made of what next() gave': [
    `export default async (request, context) =>
      new Response((await (await context.next()).text()) + ++calls, ${FRESH}); ${MANUAL}`,
    'file1',
    'file1',
  ],
};

for (const [what, [code, first, second]] of Object.entries(STORED)) {
  test(`the cache in front of an edge function stores ${what}`, async (t) => {
    const edge = await startSite(t, code);

    t.is(await ask(edge, '/a.txt'), first);
    t.is(await ask(edge, '/a.txt'), second);
  });
}

/** A function of the site whose responses are stored. */
const PAGE = {
  'netlify/functions/page.mjs': `let calls = 0; export default (request) =>
      new Response('page ' + ++calls + (request.headers.get('x-added') ?? ''), { headers: { 'cache-control': 'public, s-maxage=60' } });
    export const config = { path: '/page' };`,
};

const PASSED: Readonly<Record<string, string>> = {
  nothing: 'return;',
  'what next() gave': 'return context.next();',
  'what next() gave, with another header': `const response = await context.next();
    response.headers.set('x-a', '1');
    return response;`,
  'the URL of the page': 'return new URL("/page", request.url);',
  'what rewrite() gave': 'return context.rewrite("/page");',
  'an error that is bypassed': 'throw new Error("no");',
};

for (const [what, code] of Object.entries(PASSED)) {
  test(`an edge function with a manual cache that guards a page and returns ${what} is called for each request`, async (t) => {
    const edge = await startSite(
      t,
      `export default async (request, context) => {
        if (context.cookies.get('ok') !== '1') return new Response('no', { status: 403 });
        request.headers.set('x-added', '!');
        ${code}
      };
      export const config = { path: '/page', cache: 'manual', onError: 'bypass' };`,
      PAGE,
    );

    // The cache of the page itself is behind the guard.
    for (let round = 0; round < 3; round++) {
      t.regex(await ask(edge, '/page', 'Cookie: ok=1\r\n'), /^page 1!?$/, String(round));
      t.is(await ask(edge, '/page'), 'no');
    }
  });
}

const VARIANTS: Readonly<Record<string, string>> = {
  'that makes its response': `new Response('edge ' + ++calls, ${FRESH})`,
  'that changes the head of what next() gave': `context.next().then((response) => {
    response.headers.set('cache-control', 's-maxage=60, public');
    response.headers.set('x-edge', ++calls);
    return response;
  })`,
};

for (const [what, code] of Object.entries(VARIANTS)) {
  test(`an edge function ${what} and the page behind it have entries of their own for one URL`, async (t) => {
    const config = '{ path: "/page", cache: "manual", header: { "x-edge": true } }';
    const edge = await startSite(t, `export default (_, context) => ${code}; export const config = ${config};`, PAGE);

    for (let round = 0; round < 2; round++) {
      const [ofEdge, ofPage] = ['X-Edge: 1\r\n', ''].map((line) =>
        edge.exchange(`GET /page HTTP/1.1\r\nHost: a\r\n${line}Connection: close\r\n\r\n`),
      );
      t.regex((await ofEdge) ?? '', /x-edge: 1\r|edge 1$/i);
      t.regex((await ofPage) ?? '', /^(?!.*x-edge).*page 1$/is);
    }
  });
}

test('an edge function with a manual cache passes on request headers, cookies, and other methods', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    peer.end(
      `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nNetlify-Vary: query\r\nX-Got: ${/x-new: (.*)\r\n/i.exec(head)?.[1]}\r\n\r\na`,
    );
  });
  const code = `export default (request, { cookies }) => {
    request.headers.set('x-new', ++calls);
    cookies.set('c', String(calls));
  }; ${MANUAL}`;
  const edge = await startSite(t, code, {}, { NEXT_HOP: hop.url });

  for (const [at, method] of ['GET', 'GET', 'POST', 'HEAD'].entries()) {
    const text = await edge.exchange(`${method} /hop HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    // Fields for caches are those of the hop.
    t.regex(
      text,
      new RegExp(
        `^HTTP/1.1 200 (?=.*netlify-vary: query)(?=.*x-got: ${at + 1}\r)(?=.*set-cookie: c=${at + 1}\r)`,
        'is',
      ),
    );
    t.notRegex(text, /cache-status/i);
  }
});

test('the rate limit of a function holds behind an edge function with a manual cache', async (t) => {
  const edge = await startSite(t, `export default () => {}; ${MANUAL}`, {
    'netlify/functions/fn.mjs': `export default () => new Response('fn');
      export const config = { path: '/fn', rateLimit: { windowLimit: 1, windowSize: 60 } };`,
  });

  t.is(await ask(edge, '/fn'), 'fn');
  t.regex(await ask(edge, '/fn'), /rate_limited/);
});

test('a POST removes what is stored of its URL', async (t) => {
  const edge = await startSite(t, `export default () => new Response(++calls, ${FRESH}); ${MANUAL}`);

  t.is(await ask(edge, '/x'), '1');
  t.is(await ask(edge, '/x', 'Content-Length: 0\r\n', 'POST'), '2');
  t.is(await ask(edge, '/x'), '3');
  t.is(await ask(edge, '/x'), '3');
});

test('a stale response is renewed by one call of the edge function, with the rest of the path', async (t) => {
  const edge = await startSite(
    t,
    `export default async (request, context) => new Response((await (await context.next()).text()) + ++calls, {
      headers: { 'netlify-cdn-cache-control': 'max-age=0, stale-while-revalidate=60' },
    }); ${MANUAL}`,
  );

  t.is(await ask(edge, '/a.txt'), 'file1');
  t.is(await ask(edge, '/a.txt'), 'file1');
  for (let round = 0; (await ask(edge, '/a.txt')) === 'file1'; round++) t.true(round < 1000);
});

test('functions without a manual cache run in front of the cache, and the rest of the path is closed for none', async (t) => {
  const edge = await startSite(t, `export default () => new Response('manual ' + ++calls, ${FRESH}); ${MANUAL}`, {
    'netlify/edge-functions/guard.js': `export default (request, context) =>
        context.cookies.get('ok') === '1' ? undefined : new Response('no', { status: 403 });
      export const config = { path: '/*' };`,
  });

  t.is(await ask(edge, '/x', 'Cookie: ok=1\r\n'), 'manual 1');
  t.is(await ask(edge, '/x', 'Cookie: ok=1\r\n'), 'manual 1');
  t.is(await ask(edge, '/x'), 'no');
});

test('a handshake goes through an edge function with a manual cache', async (t) => {
  const edge = await startSite(t, `export default () => new Response('no', { status: 403, ...${FRESH} }); ${MANUAL}`);
  const client = await edge.connect();

  client.write(handshake('Sec-WebSocket-Version: 13'));
  t.regex(await client.readHead(), /^HTTP\/1\.1 403 /);
});

test('with CACHE=off an edge function with a manual cache is called for each request', async (t) => {
  const code = `export default () => new Response(++calls, ${FRESH}); ${MANUAL}`;
  const edge = await startSite(t, code, {}, { CACHE: 'off' });

  t.is(await ask(edge, '/x'), '1');
  t.is(await ask(edge, '/x'), '2');
});
