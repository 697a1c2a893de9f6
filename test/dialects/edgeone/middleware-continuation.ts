import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const FILES = {
  'cloud-functions/f.js': `export const onRequest = ({ request }) => Response.json(Object.fromEntries(request.headers), { status: 201, headers: { 'x-own': 'function' } });`,
  'public/page.html': '<p>page</p>',
};

/** Starts an edge whose middleware has this body, in front of a hop that answers with the received head. */
async function edgeWith(t: ExecutionContext, body: string, config = ''): Promise<RunningEdge> {
  const middleware = `export async function middleware({ request, urlInfo, next, rewrite }) { ${body} }\n${config}`;
  const site = await siteFolder(t, { 'middleware.js': middleware, ...FILES });
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      peer.write(`HTTP/1.1 200 OK\r\nX-Own: hop\r\nContent-Length: ${head.length}\r\n\r\n${head}`);
    }
  });
  return startEdge(t, { site, env: { NEXT_HOP: hop.url } });
}

function get(edge: RunningEdge, target: string, headers = ''): Promise<string> {
  return edge.exchange(`GET ${target} HTTP/1.1\r\nHost: a.example\r\n${headers}Connection: close\r\n\r\n`);
}

const COPIES: Readonly<Record<string, string>> = {
  'with its body and itself as init': 'new Response(r.body, r)',
  'with its body and new headers': 'new Response(r.body, { headers: { "x-added": "1" } })',
  'with its body and its headers': 'new Response(r.body, { headers: r.headers })',
  'without a body and with its headers': 'new Response(null, { headers: r.headers })',
  'without a body and with a copy of its headers':
    'new Response(null, { headers: { ...Object.fromEntries(r.headers), "x-added": "1" } })',
  'with its text': 'new Response(await r.text(), r)',
  'made by clone()': 'r.clone()',
  'with another status': 'new Response(r.body, { headers: r.headers, status: 404 })',
  'with the mark only': 'new Response("not this", { headers: { "x-middleware-next": "1", "x-added": "1" } })',
};

for (const [what, copy] of Object.entries(COPIES)) {
  test(`a copy of the result of next() ${what} lets the request continue, and its headers are added`, async (t) => {
    const edge = await edgeWith(t, `const r = await next(); r.headers.set('x-added', '1'); return ${copy};`);

    const answers = {
      f: await get(edge, '/f'),
      page: await get(edge, '/page'),
      hop: await get(edge, '/hop'),
    };

    t.regex(answers.f, /^HTTP\/1\.1 201 .*\r\nx-own: function\r\n.*\r\n\r\n\{"host"/s);
    t.regex(answers.page, /^HTTP\/1\.1 200 .*<p>page<\/p>$/s);
    t.regex(answers.hop, /^HTTP\/1\.1 200 .*\r\nX-Own: hop\r\n.*GET \/hop HTTP/s);
    for (const answer of Object.values(answers)) {
      t.is(answer.match(/^x-added: 1\r$/gim)?.length, 1);
      t.notRegex(answer, /x-middleware/i);
    }
    t.regex(answers.page, /^content-type: text\/html/im);
    t.regex(answers.f, /^content-type: application\/json/im);
    t.deepEqual(await edge.errorLines(), []);
  });
}

test('a copy of the result of next() lets the request continue also if nothing has looked at the result before', async (t) => {
  const copies = Object.entries(COPIES).filter(([, copy]) => !copy.includes('x-added'));
  const cases = ['r', ...copies.map(([, copy]) => copy)].map((copy, at) => `case '/${at}': return ${copy};`);
  const edge = await edgeWith(t, `const r = next(); switch (urlInfo.pathname) { ${cases.join('\n')} }`);

  for (const at of cases.keys()) t.regex(await get(edge, `/${at}`), new RegExp(`\r\n\r\nGET /${at} HTTP/1.1\r\n`));
  t.deepEqual(await edge.errorLines(), []);
});

test('a middleware that is called for another spelling of a path sees the path that its matcher matches, and passes on the one that was sent', async (t) => {
  const edge = await edgeWith(
    t,
    `const { pathname } = new URL(request.url);
    if (!pathname.startsWith('/admin') || urlInfo.pathname !== pathname) return next();
    if (request.headers.get('authorization')) return next({ headers: { 'x-seen': pathname } });
    return new Response('no', { status: 401 });`,
    "export const config = { matcher: '/admin/:path*' };",
  );

  const others = ['/%61dmin/a?b=1', '/x/..%2fadmin/a', '/%2561dmin/a%20b', '/x/%2e%2e/admin'];
  for (const target of ['/admin/a', '//admin/a', ...others]) {
    t.regex(await get(edge, target), /^HTTP\/1\.1 401 /, target);
    const passed = await get(edge, target, 'Authorization: yes\r\n');
    t.true(passed.includes(`\r\n\r\nGET ${target} HTTP/1.1\r\n`), passed);
    t.regex(passed, /x-seen: \/admin/i);
  }
});

test('request headers given to next() are also set if a copy is returned', async (t) => {
  const edge = await edgeWith(
    t,
    `const headers = new Headers(request.headers);
    headers.set('x-user', 'ü, "1"');
    const r = next({ request: { headers } });
    return new Response(r.body, new URL(request.url).search ? r : { headers: { 'x-added': '1' } });`,
  );

  for (const target of ['/f', '/f?all']) {
    const answer = await get(edge, target, 'X-Sent: yes\r\n');
    const { 'x-user': user, 'x-sent': sent, ...others } = JSON.parse(answer.split('\r\n\r\n')[1] ?? '');
    t.is(Buffer.from(user, 'latin1').toString('latin1'), Buffer.from('ü, "1"').toString('latin1'));
    t.is(sent, 'yes');
    t.deepEqual(
      Object.keys(others).filter((name) => name.startsWith('x-middleware')),
      [],
    );
  }
});

for (const copy of [
  'r',
  'new Response(r.body, r)',
  'new Response(r.body, {})',
  'new Response(null, { headers: { "x-middleware-rewrite": "/page" } })',
]) {
  test(`a rewrite is applied if the middleware returns ${copy}`, async (t) => {
    const edge = await edgeWith(t, `const r = rewrite('/page'); return ${copy};`);

    const answer = await get(edge, '/anything');

    t.regex(answer, /^HTTP\/1\.1 200 .*<p>page<\/p>$/s);
    t.notRegex(answer, /x-middleware/i);
  });
}

test('a middleware sets and removes request headers with the marks of Next.js', async (t) => {
  const marks = {
    'x-middleware-next': '1',
    'x-middleware-override-headers': 'x-set, x-removed',
    'x-middleware-request-x-set': '1',
  };
  const edge = await edgeWith(t, `return new Response(null, { headers: ${JSON.stringify(marks)} });`);

  const [head = '', body = ''] = (await get(edge, '/hop', 'X-Removed: 1\r\nX-Kept: 1\r\n')).split(/\r\n\r\n(.*)/s);

  t.regex(body, /^x-set: 1\r$/m);
  t.regex(body, /^X-Kept: 1\r$/m);
  t.notRegex(body, /x-removed|x-middleware/i);
  t.notRegex(head, /x-middleware|x-set/i);
});

const MARKS_OF_CLIENT =
  'X-Middleware-Next: 1\r\nx-middleware-rewrite: /page\r\nx-middleware-override-headers: cookie\r\nx-middleware-request-cookie: admin\r\n';

test('marks that a client sends have no effect, and are not sent to middleware, functions and the hop', async (t) => {
  const guard = await edgeWith(t, 'return new Response("no", { status: 401, headers: request.headers });');
  const open = await edgeWith(t, 'return next({ request: { headers: request.headers } });');

  const refused = await get(guard, '/f', `X-Sent: yes\r\n${MARKS_OF_CLIENT}`);
  const passed = [await get(open, '/hop', MARKS_OF_CLIENT), await get(open, '/f', MARKS_OF_CLIENT)];

  t.regex(refused, /^HTTP\/1\.1 401 .*x-sent: yes.*\r\n\r\nno$/is);
  for (const answer of [refused, ...passed]) t.notRegex(answer, /x-middleware|admin/i);
});

for (const answer of [
  'new Response(null)',
  'new Response(null, { headers: { "x-middleware-next": "0", "x-added": "1" } })',
  'new Response(null, { status: 204 })',
  'new Response("mine", { headers: { "x-added": "1" } })',
]) {
  test(`${answer} is an answer, even if next() was called before`, async (t) => {
    const edge = await edgeWith(t, `next(); return ${answer};`);

    const got = await get(edge, '/f');

    t.regex(got, answer.includes('204') ? /^HTTP\/1\.1 204 / : /^HTTP\/1\.1 200 /);
    t.is(got.split('\r\n\r\n')[1], answer.includes('mine') ? 'mine' : '');
    t.is(/x-added/.test(got), answer.includes('x-added'));
    t.notRegex(got, /x-middleware/);
  });
}

test('marks that cannot be parsed are a fault of the middleware', async (t) => {
  const edge = await edgeWith(
    t,
    'return new Response(null, { headers: { "x-middleware-next": "1", "x-middleware-request-headers": "%" } });',
  );

  t.regex(await get(edge, '/f'), /^HTTP\/1\.1 500 .*function_bad_answer/s);
});

test('headers that describe the body are not taken from a copy, and the log says so', async (t) => {
  const edge = await edgeWith(
    t,
    'const r = next(); r.headers.set("content-length", "1"); r.headers.set("content-encoding", "gzip"); return new Response(r.body, r);',
  );

  const answer = await get(edge, '/page');

  t.true(answer.endsWith('<p>page</p>'));
  t.notRegex(answer, /content-encoding/i);
  await edge.close();
  t.deepEqual((await edge.errorLines())[0]?.headers, ['content-encoding', 'content-length']);
});
