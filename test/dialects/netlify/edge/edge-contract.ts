import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { complaints } from '../../../helpers/error-lines.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const FILE = 'netlify/edge-functions/one.js';
const ALL = 'export const config = { path: "/*" };';

function get(path: string, ...lines: string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

async function startSite(
  t: ExecutionContext,
  code: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<RunningEdge> {
  const site = await siteFolder(t, { [FILE]: `${code}\n${ALL}`, 'public/a.txt': 'file', ...files });
  return startEdge(t, { site, env });
}

test('the context has all members of the platform', async (t) => {
  const edge = await startSite(
    t,
    `export default (request, context) => {
      const { account, cookies, deploy, geo, ip, params, requestId, server, site, url } = context;
      const methods = ['json', 'log', 'next', 'rewrite', 'waitUntil'].map((name) => typeof context[name]);
      return context.json({ account, cookie: cookies.get('c'), deploy, geo, ip, params, requestId, server, site, url, methods });
    };`,
    {},
    { SITE_ID: 'id', SITE_NAME: 'name', URL: 'https://site.test', TRUSTED_PROXIES: '127.0.0.0/8' },
  );

  const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const geo = Buffer.from('{"country":{"code":"DE"}}').toString('base64');
  const text = await edge.exchange(
    get('/p?q=1', 'Cookie: c=1', `X-NF-Request-Id: ${id}`, `X-NF-Geo: ${geo}`, 'X-Forwarded-For: 203.0.113.7'),
  );

  t.deepEqual(JSON.parse(text.slice(text.indexOf('\r\n\r\n'))), {
    account: { id: '' },
    cookie: '1',
    deploy: { context: '', id: '', published: false },
    geo: { country: { code: 'DE' } },
    ip: '203.0.113.7',
    params: { 0: 'p' },
    requestId: id,
    server: {},
    site: { id: 'id', name: 'name', url: 'https://site.test' },
    url: 'http://a/p?q=1',
    methods: ['function', 'function', 'function', 'function', 'function'],
  });
});

test('files and folders with a main file are edge functions; of one name the folder counts, then the first extension', async (t) => {
  const echo = (name: string, path = name) =>
    `export default () => new Response('${name}'); export const config = { path: '/${path}' };`;
  const folder = 'netlify/edge-functions/';
  const site = await siteFolder(t, {
    ...Object.fromEntries(
      ['js', 'jsx', 'mjs', 'mts', 'ts', 'tsx'].map((end) => [`${folder}as-${end}.${end}`, echo(end)]),
    ),
    [`${folder}own/own.ts`]: echo('own'),
    [`${folder}index/index.mts`]: echo('index'),
    [`${folder}both.js`]: echo('file', 'both'),
    [`${folder}both/index.ts`]: echo('folder', 'both'),
    [`${folder}twice.ts`]: echo('ts', 'twice'),
    [`${folder}twice.js`]: echo('js', 'twice'),
    [`${folder}lib/helper.ts`]: 'export const helper = 1;',
    [`${folder}deep/er/deep.ts`]: echo('deep'),
    [`${folder}data.json`]: '{}',
    [`${folder}pathless.ts`]: 'export default () => new Response("never");',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: 'http://127.0.0.1:1' } });
  const contentOf = async (path: string) => (await edge.exchange(get(path))).split('\r\n\r\n')[1];

  for (const name of ['js', 'jsx', 'mjs', 'mts', 'ts', 'tsx', 'own', 'index']) t.is(await contentOf(`/${name}`), name);
  t.is(await contentOf('/both'), 'folder');
  t.is(await contentOf('/twice'), 'js');
  t.regex(await edge.exchange(get('/deep')), /^HTTP\/1\.1 502 /);
  t.deepEqual(
    edge.edge.site.problems.filter(({ message }) => message.includes('has no path')).map(({ file }) => file),
    [`${folder}pathless.ts`],
  );
});

test('Netlify.env and Netlify.context are those of the call', async (t) => {
  const edge = await startSite(
    t,
    `export default async () => {
      const { env } = Netlify;
      await new Promise(setImmediate);
      return Response.json([env.has('PATH'), env.get('NOT_THERE') ?? null, Netlify.context.url.pathname, typeof HTMLRewriter]);
    };`,
  );

  const texts = await Promise.all(['/1', '/2'].map((path) => edge.exchange(get(path))));
  t.deepEqual(
    texts.map((text) => JSON.parse(text.slice(text.indexOf('\r\n\r\n')))),
    ['/1', '/2'].map((path) => [true, null, path, 'undefined']),
  );
});

for (const [accept, expected] of [
  ['text/html', /^HTTP\/1\.1 500 .*content-type: text\/html.*<html/is],
  ['application/json', /^HTTP\/1\.1 500 .*content-type: application\/json.*"code":"function_error"/is],
  ['text/plain', /^HTTP\/1\.1 500 .*content-type: text\/plain.*code: function_error/is],
] as const) {
  test(`an error that an edge function throws is a page for a client that accepts ${accept}`, async (t) => {
    const edge = await startSite(t, 'export default () => { throw new Error("the reason"); };');

    const text = await edge.exchange(get('/', `Accept: ${accept}`));

    t.regex(text, expected);
    t.notRegex(text, /the reason/);
    t.like((await complaints(edge))[0], { code: 'function_error', target: FILE });
  });
}

test('an error after the head cuts the response', async (t) => {
  const received = Promise.withResolvers<void>();
  Reflect.set(globalThis, 'edgeReceived', received.promise);
  const edge = await startSite(
    t,
    `export default () => {
      let isFirst = true;
      return new Response(new ReadableStream({
        async pull(controller) {
          if (isFirst) controller.enqueue(new TextEncoder().encode('first'));
          else throw await globalThis.edgeReceived.then(() => new Error('later'));
          isFirst = false;
        },
      }));
    };`,
  );
  const client = await edge.connect();

  client.write(get('/'));
  t.regex(await client.readUntil('first\r\n'), /^HTTP\/1\.1 200 .*\r\n\r\n5\r\nfirst\r\n$/s);
  received.resolve();

  t.is(await client.readToEnd(), '');
  t.like((await complaints(edge))[0], { code: 'function_error', target: FILE });
});

test('an edge function that calls next() after its client has left gets an error, and the next hop no request', async (t) => {
  const hop = await scriptedHop(t, () => t.fail('is not asked'));
  const called = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<string>();
  Reflect.set(globalThis, 'edgeCall', { called, failed });
  const edge = await startSite(
    t,
    `export default async (request, context) => {
      const { called, failed } = globalThis.edgeCall;
      const left = new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      called.resolve();
      await left;
      await context.next().catch(({ code }) => failed.resolve(code));
    };`,
    {},
    { NEXT_HOP: hop.url },
  );
  const client = await edge.connect();

  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await called.promise;
  client.reset();

  t.is(await failed.promise, 'client_left');
});

test('a client that leaves before an edge function waits for next() leaves no rejection that nothing handles', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const failed = Promise.withResolvers<string>();
  Reflect.set(globalThis, 'edgeWait', { failed });
  const edge = await startSite(
    t,
    `export default async (request, context) => {
      const page = context.next();
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
      await page.catch(({ code }) => globalThis.edgeWait.failed.resolve(code));
    };`,
    {},
    { NEXT_HOP: hop.url },
  );
  const rejected: unknown[] = [];
  const note = (reason: unknown) => void rejected.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const client = await edge.connect();

  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);
  client.reset();

  t.is(await failed.promise, 'client_left');
  t.deepEqual(rejected, []);
});

test('a drain waits for waitUntil of an edge function', async (t) => {
  const work = Promise.withResolvers<void>();
  const done: string[] = [];
  Reflect.set(globalThis, 'edgeWork', { promise: work.promise, done });
  const edge = await startSite(
    t,
    `export default (request, { waitUntil }) => {
      const { promise, done } = globalThis.edgeWork;
      waitUntil(promise.then(() => done.push('work')));
    };`,
  );
  t.regex(await edge.exchange(get('/a.txt')), /\r\n\r\nfile$/);

  const closed = edge.close().then(() => done.push('closed'));
  work.resolve();
  await closed;

  t.deepEqual(done, ['work', 'closed']);
});

test('ten edge functions in a row each see the response of the next one', async (t) => {
  const names = Array.from({ length: 10 }, (_, index) => `f${index}`);
  const code = (name: string) => `export default async (request, context) => {
      request.headers.set('x-path', (request.headers.get('x-path') ?? '') + '${name}');
      const response = await context.next();
      response.headers.append('x-seen', '${name}');
      return response;
    };
    ${ALL}`;
  const files = Object.fromEntries(names.map((name) => [`netlify/edge-functions/${name}.js`, code(name)]));
  const site = await siteFolder(t, {
    ...files,
    'netlify/functions/fn.mjs': `export default (request) => new Response(request.headers.get('x-path'));
      export const config = { path: '/fn' };`,
  });
  const edge = await startEdge(t, { site });

  const text = await edge.exchange(get('/fn'));

  t.true(text.endsWith(`\r\n\r\n${names.join('')}`), text);
  t.regex(text, new RegExp(`x-seen: ${names.toReversed().join(', ')}\r\n`, 'i'));
});

test('header rules hold for a file that an edge function passes on, and not for its own response', async (t) => {
  const edge = await startSite(
    t,
    'export default async (r, c) => r.url.endsWith("own") ? new Response("own") : r.url.endsWith("next") ? c.next() : undefined;',
    { _headers: '/*\n  X-Rule: 1\n' },
  );

  t.regex(await edge.exchange(get('/a.txt')), /x-rule: 1\r\n.*file$/is);
  t.regex(await edge.exchange(get('/a.txt?next')), /x-rule: 1\r\n.*file$/is);
  t.notRegex(await edge.exchange(get('/a.txt?own')), /x-rule/i);
});

const LONG_BYTES = 64 * 2 ** 20;
/** What sockets of the kernel take on the way, at most. */
const MOST_IN_SOCKETS = 32 * 2 ** 20;

for (const [what, code] of Object.entries({
  'what next() gave': 'export default (request, context) => context.next();',
  'what next() gave, with another header':
    'export default async (r, c) => { const answer = await c.next(); answer.headers.set("x-a", "1"); return answer; };',
  'the body that next() gave': 'export default async (r, c) => new Response((await c.next()).body, { status: 201 });',
})) {
  test(`a long response is taken from the next hop as the client reads it: ${what}`, async (t) => {
    const block = 'ab'.repeat(2 ** 15);
    const hop = await scriptedHop(t, async (peer) => {
      const head = await peer.readHead();
      peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LONG_BYTES}\r\n\r\n`);
      // All at once: what the other side does not take stays here.
      for (let sent = 0; sent < LONG_BYTES; sent += block.length) peer.write(block);
      t.regex(head, /^GET /);
    });
    const edge = await startSite(t, code, {}, { NEXT_HOP: hop.url });
    const [paused, other] = [await edge.connect(), await edge.connect()];

    paused.write(get('/paused'));
    await paused.readHead();
    paused.socket.pause();
    // In the time of another response of the same length, this one would have been read.
    other.write(get('/other'));
    await other.readHead();
    await other.until(() => other.ended);

    t.true((hop.peers[0]?.socket.writableLength ?? 0) > LONG_BYTES - MOST_IN_SOCKETS);
    paused.socket.resume();
    // Without what frames the chunks.
    const text = (await paused.readToEnd()).replaceAll(/(?:^|\r\n)[\da-f]+\r\n(?:\r\n)?/g, '');
    t.true(text === 'ab'.repeat(LONG_BYTES / 2));
  });
}
