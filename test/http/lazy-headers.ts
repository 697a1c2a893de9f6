import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { installLazyRequest, LazyRequest } from '../../src/http/lazy-request.ts';
import { toWebRequest, WebRequest } from '../../src/http/web-request.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

const NativeRequest = globalThis.Request;
installLazyRequest();

type Headers = Request['headers'];
type Look = (request: Request) => unknown;

const GET =
  'GET /a%20b/../c?x=1&x=%20 HTTP/1.1\r\nHost: Site.example:80\r\nAccept: */*\r\nX-A: 1\r\nCookie: a=1\r\nx-a: \xe9\r\ncookie: b=2\r\nTE: trailers\r\nX-Empty:\r\nConnection: close\r\n\r\n';
const POST =
  'POST /post HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{"a":1}';

const LOOKS: readonly (readonly [title: string, look: Look])[] = [
  ['the method and the URL', ({ method, url }) => [method, url]],
  [
    'single headers, in any case',
    ({ headers }) => ['accept', 'X-A', 'cookie', 'Host', 'x-empty', 'none', 'x-set'].map((name) => headers.get(name)),
  ],
  [
    'headers of the connection',
    ({ headers }) => ['connection', 'te', 'upgrade'].map((name) => [headers.get(name), headers.has(name)]),
  ],
  ['whether there are headers', ({ headers }) => ['accept', 'x-set', 'none'].map((name) => headers.has(name))],
  ['a name that is none', ({ headers }) => headers.get('a b')],
  ['no name', ({ headers }) => (headers.get as () => unknown)()],
  ['a name that is no text', ({ headers }) => headers.has(null as never)],
  ['all headers', ({ headers }) => [[...headers], [...headers.keys()], [...headers.values()]]],
  ['the list of headers through forEach', ({ headers }) => listByForEach(headers)],
  ['forEach without a function', ({ headers }) => headers.forEach(undefined as never)],
  ['changed headers', ({ headers }) => change(headers)],
  ['headers that are changed after a look', ({ headers }) => [headers.get('accept'), ...change(headers)]],
  ['a copy of the headers', ({ headers }) => [...new Headers(headers)]],
  ['a Response with the headers', ({ headers }) => [...new Response('', { headers }).headers]],
  ['the same objects each time', (request) => areSame(request, request)],
  ['the classes', (request) => [request instanceof Request, request.headers instanceof Headers]],
  ['the constructors', ({ headers }) => headers.constructor === Headers],
  ['the tags', (request) => [String(request), String(request.headers)]],
  ['what inspect shows', ({ headers }) => inspect(headers)],
  ['the other properties', (request) => toOthers(request)],
  ['own keys, and those of a loop over the headers', (request) => [Object.keys(request), listKeys(request.headers)]],
  ['no structured clone', (request) => structuredClone(request)],
  ['no structured clone of the headers', ({ headers }) => structuredClone(headers)],
  ['a copy', (request) => describe(new Request(request))],
  ['a copy with another URL and method', (request) => describe(new Request(request, { method: 'DELETE' }))],
  ['a copy by its properties', (request) => describe(new Request('http://b/', request))],
  ['a copy of a subclass', (request) => describe(new (class extends Request {})(request))],
  ['a clone', (request) => describe(request.clone() as Request)],
  ['the body', async (request) => [request.bodyUsed, request.body === null, await request.text(), request.bodyUsed]],
  ['the body as bytes', async (request) => [...new Uint8Array(await request.arrayBuffer())]],
  ['a body that is read twice', async (request) => [await request.text(), await request.text()]],
  ['JSON', (request) => request.json()],
  ['a form', (request) => request.formData()],
  ['a blob', async (request) => (await request.blob()).type],
];

function change(headers: Headers): unknown[] {
  headers.set('x-a', 'new');
  headers.append('accept', 'more');
  headers.delete('cookie');
  return [headers.get('x-a'), headers.get('accept'), headers.get('cookie'), headers.has('cookie'), [...headers]];
}

function listByForEach(headers: Headers): unknown[] {
  const list: unknown[] = [];
  headers.forEach(function (this: unknown, value, name, all) {
    list.push([value, name, all === headers, this]);
  }, 'this');
  return list;
}

function areSame(one: Request, other: Request): boolean {
  return one.headers === other.headers && one.signal === other.signal;
}

function listKeys(value: object): string[] {
  const keys: string[] = [];
  for (const key in value) keys.push(key);
  return keys.sort();
}

function toOthers(request: Request): unknown {
  const { cache, credentials, destination, integrity, keepalive, mode, redirect, referrer, referrerPolicy } = request;
  return { cache, credentials, destination, integrity, keepalive, mode, redirect, referrer, referrerPolicy };
}

async function describe(request: Request): Promise<unknown> {
  const { method, url, headers } = request;
  return [method, url, [...headers], await request.text(), request.constructor.name];
}

/** The result, or the error that it throws. */
async function observe(request: Request, look: Look): Promise<unknown> {
  try {
    return await look(request);
  } catch (error) {
    return String(error);
  }
}

/** What code sees of one request, made in this way. */
async function lookAt(t: ExecutionContext, text: string, make: (exchange: Exchange) => unknown, look: Look) {
  let seen: unknown;
  const server = await serveExchanges(t, async (exchange) => {
    seen = await observe(make(exchange) as Request, look);
    await writeWebResponse(exchange, new Response(''));
  });
  await server.exchange(text);
  return JSON.parse(JSON.stringify(seen ?? null));
}

function makeLazy(exchange: Exchange): unknown {
  return toWebRequest(exchange, undefined, (headers) => headers.set('x-set', '1'));
}

function makeNative(exchange: Exchange): unknown {
  const request = new WebRequest(exchange);
  request.headers.set('x-set', '1');
  return request;
}

for (const [title, look] of LOOKS) {
  test(`a lazy request shows what a native one shows: ${title}`, async (t) => {
    for (const text of [GET, POST]) {
      t.deepEqual(await lookAt(t, text, makeLazy, look), await lookAt(t, text, makeNative, look));
    }
  });
}

test('a lazy request is fetched', async (t) => {
  const origin = await serveExchanges(t, async (exchange) =>
    writeWebResponse(exchange, new Response(`origin: ${await toWebRequest(exchange).text()}`)),
  );
  const server = await serveExchanges(t, async (exchange) => {
    const request = toWebRequest(exchange);
    t.true(LazyRequest.toNative(request) !== request);
    await writeWebResponse(exchange, await fetch(request));
  });

  const answer = await server.exchange(POST.replace('Host: a', `Host: 127.0.0.1:${origin.port}`));

  t.true(answer.endsWith('origin: {"a":1}'));
});

test('the class of lazy requests is that of all requests', (t) => {
  t.is(new Request('http://a/').constructor, Request);
  t.is(Request.name, 'Request');
  t.is(Request.prototype, NativeRequest.prototype);
  t.true(new NativeRequest('http://a/') instanceof Request);
  t.throws(() => new (Request as unknown as new () => Request)(), { instanceOf: TypeError });
});

test('a loop over a lazy request has the keys of a native one', async (t) => {
  const seen = await lookAt(t, GET, makeLazy, listKeys);

  t.deepEqual(seen, listKeys(new NativeRequest('http://a/')));
});

test('a request with another method than the usual ones is not lazy', async (t) => {
  const seen = await lookAt(t, GET.replace('GET', 'propfind'), makeLazy, (request) => [
    request.method,
    LazyRequest.toNative(request) === request,
  ]);

  t.deepEqual(seen, ['propfind', true]);
});
