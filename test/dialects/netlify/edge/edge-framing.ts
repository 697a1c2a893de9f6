import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { complaints } from '../../../helpers/error-lines.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const HOST = 'Host: a\r\nConnection: close\r\n';
const FILE = 'netlify/edge-functions/all.js';

/** Runs the code that the query names, with `request` and `next`. */
const EDGE = `
  const CODE = {
    head: ({ request, next }) => next(new Request(request, { method: 'HEAD' })),
    get: ({ request, next }) => next(new Request(request.url, { method: 'GET', headers: request.headers })),
    empty: ({ request, next }) => next(new Request(request.url, { method: 'POST', headers: request.headers })),
    longer: async ({ request, next }) => next(new Request(request, { body: await request.text() + ' world' })),
    copied: async ({ request, next }) => {
      const text = await request.clone().text();
      const response = await next();
      return new Response(text + ' ' + response.headers.get('x-got'));
    },
    read: async ({ request, next }) => { await request.text(); return next(); },
    other: ({ next }) => next().then(async (response) => new Response(await response.text() + 'def', response)),
    short: ({ next }) => next().then((response) => set(response, 'content-length', '1')),
    long: ({ next }) => next().then((response) => set(response, 'content-length', '99')),
    word: ({ next }) => next().then((response) => set(response, 'content-length', 'many')),
    coded: ({ next }) => next().then((response) => set(response, 'transfer-encoding', 'gzip')),
    closed: ({ next }) => next().then((response) => set(response, 'connection', 'close, x-got')),
    control: ({ next }) => next().then((response) => set(response, 'x-a', 'a\\u0001')),
    asked: ({ request, next }) => { set(request, 'transfer-encoding', 'gzip'); set(request, 'content-length', '2'); return next(); },
  };
  const set = (message, name, value) => { message.headers.set(name, value); return message; };
  export default (request, { next, url }) => CODE[url.search.slice(1)]({ request, next });
  export const config = { path: '/*' };`;

const FUNCTION = `
  export default async (request) => {
    const got = [request.method, request.headers.get('content-length'), await request.text()].join();
    return new Response('fn', { headers: { 'x-got': got, etag: '"1"' } });
  };
  export const config = { path: '/fn' };`;

/** `late`: the hop sends the content of `/late` then. */
async function startSite(t: ExecutionContext, late?: Promise<void>): ReturnType<typeof startEdge> {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
    const body = /chunked/.test(head) ? await peer.readUntil('0\r\n\r\n') : await peer.readBytes(Number(length ?? 0));
    const got = `X-Got: ${[head.split(' ')[0], length ?? '', body.replaceAll('\r\n', '.')].join()}\r\n`;
    if (head.startsWith('HEAD')) peer.end(`HTTP/1.1 200 OK\r\n${got}Content-Length: 40\r\nETag: "1"\r\n\r\n`);
    else if (head.includes(' /late')) {
      peer.write(`HTTP/1.1 200 OK\r\n${got}Transfer-Encoding: chunked\r\n\r\n`);
      await late;
      peer.end('3\r\nabc\r\n0\r\n\r\n');
    } else peer.end(`HTTP/1.1 200 OK\r\n${got}Content-Length: 3\r\n\r\nabc`);
  });
  const files = { [FILE]: EDGE, 'netlify/functions/fn.mjs': FUNCTION, 'public/file.txt': 'file' };
  return startEdge(t, { site: await siteFolder(t, files), env: { NEXT_HOP: hop.url } });
}

function send(method: string, target: string, body = ''): string {
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  return `${method} ${target} HTTP/1.1\r\n${HOST}${length}\r\n${body}`;
}

test('a GET whose edge function asks for the head alone gets an empty response', async (t) => {
  const edge = await startSite(t);

  for (const path of ['/hop', '/fn', '/file.txt']) {
    t.regex(
      await edge.exchange(send('GET', `${path}?head`)),
      /^HTTP\/1\.1 200 OK\r\n.*Content-Length: 0\r\n.*\r\n\r\n$/s,
    );
  }
  t.regex(await edge.exchange(send('GET', '/hop?head')), /ETag: W\/"1"\r\n/i);
});

test('a HEAD whose edge function asks for the content gets the head alone', async (t) => {
  const edge = await startSite(t);

  t.regex(await edge.exchange(send('HEAD', '/hop?get')), /X-Got: GET,,\r\n.*Content-Length: 3\r\n.*\r\n\r\n$/s);
  t.regex(await edge.exchange(send('HEAD', '/file.txt?get')), /Content-Length: 4\r\n.*\r\n\r\n$/s);
});

test('a HEAD whose edge function changes the content has no length of other content', async (t) => {
  const edge = await startSite(t);

  for (const target of ['/hop?other', '/fn?other', '/file.txt?other']) {
    const text = await edge.exchange(send('HEAD', target));
    t.regex(text, /^HTTP\/1\.1 200 OK\r\n/);
    t.notRegex(text, /content-length|etag: "/i);
  }
});

test('a request that an edge function passes on without its body has none', async (t) => {
  const edge = await startSite(t);

  for (const [target, got] of [
    ...[
      ['/hop?get', 'GET,,'],
      ['/hop?empty', 'POST,0,'],
      ['/fn?get', 'GET,,'],
      ['/fn?empty', 'POST,,'],
    ],
    ...[
      ['/hop?longer', 'POST,,b.hello world.0..'],
      ['/fn?longer', 'POST,,hello world'],
    ],
    ...[
      ['/hop?asked', 'POST,5,hello'],
      ['/fn?asked', 'POST,5,hello'],
    ],
  ] as [string, string][]) {
    t.regex(await edge.exchange(send('POST', target, 'hello')), new RegExp(`x-got: ${got}\r\n`, 'i'), target);
  }
});

test('a length that an edge function has set and that is wrong is a 500, which names the function', async (t) => {
  const edge = await startSite(t);

  const targets = ['/hop?short', '/hop?long', '/hop?word', '/hop?control', '/fn?short', '/file.txt?long'];
  for (const target of targets) {
    t.regex(await edge.exchange(send('GET', target)), /^HTTP\/1\.1 500 .*function_bad_answer/s, target);
  }
  const lines = await complaints(edge, targets.length);
  t.deepEqual([...new Set(lines.map(({ target }) => target))], [FILE]);
});

for (const [what, length, received] of [
  ['short', 1, ''],
  ['long', 99, 'abc'],
] as const) {
  test(`a length that turns out to be too ${what} while the content is sent cuts the response, and is logged`, async (t) => {
    const late = Promise.withResolvers<void>();
    const edge = await startSite(t, late.promise);
    const client = await edge.connect();

    client.write(send('GET', `/late?${what}`));
    t.regex(await client.readHead(), new RegExp(`Content-Length: ${length}\r\n`));
    late.resolve();

    t.is(await client.readToEnd(), received);
    t.like((await complaints(edge))[0], { code: 'function_bad_answer', target: FILE });
  });
}

test('headers of the connection that an edge function sets have no effect', async (t) => {
  const edge = await startSite(t);
  const client = await edge.connect();

  t.regex(await edge.exchange(send('GET', '/hop?coded')), /^HTTP\/1\.1 200 OK\r\n(?!.*gzip).*Content-Length: 3\r\n/s);
  for (const path of ['/hop', '/fn', '/file.txt']) {
    client.write(`GET ${path}?closed HTTP/1.1\r\nHost: a\r\n\r\n`);
    const head = await client.readHead();
    // Its own headers go on, the connection stays open.
    t.regex(head, path === '/file.txt' ? /^HTTP\/1\.1 200 / : /x-got: GET/i);
    t.regex(head, /^connection: keep-alive\r$/im);
    await client.readBytes(Number(/content-length: (\d+)/i.exec(head)?.[1]));
  }
});

test('a body of which the edge function has read a copy is sent on, and one that it has read itself is not', async (t) => {
  const edge = await startSite(t);

  t.regex(await edge.exchange(send('POST', '/fn?copied', 'hello')), /hello POST,,hello$/);
  t.regex(await edge.exchange(send('POST', '/hop?copied', 'hello')), /hello POST,,5\.hello\.0\.\.$/);
  t.regex(await edge.exchange(send('POST', '/fn?read', 'hello')), /^HTTP\/1\.1 500 .*function_bad_answer/s);
  t.regex(String((await complaints(edge))[0]?.message), /has read the body of its request/);
});
