import test from 'ava';
import type { Exchange } from '../../../../src/contract/exchange.ts';
import { type EdgeOneRequest, toEdgeOneRequest } from '../../../../src/dialects/edgeone/functions/edgeone-request.ts';
import { prepareBody } from '../../../../src/dialects/edgeone/functions/prepared-body.ts';
import { installLazyRequest, LazyRequest } from '../../../../src/http/lazy-request.ts';
import { writeWebResponse } from '../../../../src/http/web-response.ts';
import { serveExchanges } from '../../../helpers/exchange-server.ts';

installLazyRequest();

const HEAD = 'Host: a\r\nCookie: a=1; b="2"; a=3\r\nX-A: 1\r\nContent-Type: application/json\r\nConnection: close\r\n';
const BODY = '{"key":[1]}';
const TEXT = `/p?x=1&x=true&flag&n=%20 HTTP/1.1\r\n${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
/** POST becomes native when code needs it, PROPFIND is native at once. */
const METHODS = ['POST', 'PROPFIND'] as const;

type Look = (request: EdgeOneRequest) => unknown;

const LOOKS: readonly (readonly [title: string, look: Look, expected: unknown])[] = [
  ['the cookies', ({ cookies }) => cookies, { a: '1', b: '2' }],
  ['the query', ({ query }) => query, { x: ['1', true], flag: true, n: ' ' }],
  [
    'the same objects each time',
    (request) => [Object.is(request.query, request.query), Object.is(request.body, request.body)],
    [true, true],
  ],
  ['the URL and a header', ({ url, headers }) => [url, headers.get('x-a')], ['http://a/p?x=1&x=true&flag&n=%20', '1']],
  ['a prepared body', ({ body }) => body, { key: [1] }],
  [
    'a prepared body, read as JSON after that',
    async (request) => [request.body, await request.json()],
    [{ key: [1] }, { key: [1] }],
  ],
  ['its text', (request) => request.text(), BODY],
  ['the body of a clone', (request) => request.clone().text(), BODY],
  ['the body of a copy', (request) => new Request(request as unknown as Request).text(), BODY],
  [
    'the cookies after the header has changed',
    (request) => [request.headers.set('cookie', 'c=4'), request.cookies][1],
    { c: '4' },
  ],
  ['the class', (request) => request instanceof Request, true],
  ['the body, in a loop over the keys', (request) => listKeys(request).includes('body'), true],
  ['no own keys', (request) => Object.keys(request), []],
];

function listKeys(value: object): string[] {
  const keys: string[] = [];
  for (const key in value) keys.push(key);
  return keys;
}

/** What code sees of one request. */
async function lookAt(method: string, look: Look, t: Parameters<typeof serveExchanges>[0]): Promise<unknown> {
  let seen: unknown;
  const server = await serveExchanges(t, async (exchange) => {
    seen = await look(toEdgeOneRequest(exchange, { prepared: await prepareBody(exchange) }));
    await writeWebResponse(exchange, new Response(''));
  });
  await server.exchange(`${method} ${TEXT}`);
  return JSON.parse(JSON.stringify(seen));
}

for (const [title, look, expected] of LOOKS) {
  test(`a request of EdgeOne shows the same, whether it is lazy or native: ${title}`, async (t) => {
    for (const method of METHODS) t.deepEqual(await lookAt(method, look, t), expected, method);
  });
}

test('URL, headers, cookies, query and a prepared body need no native request', async (t) => {
  const isUnseen = (request: EdgeOneRequest): unknown => {
    const seen = [
      request.url,
      request.method,
      request.headers.get('x-a'),
      request.cookies,
      request.query,
      request.body,
    ];
    return [seen.length, LazyRequest.isUnseen(request)];
  };

  t.deepEqual(await lookAt('POST', isUnseen, t), [6, true]);
});

test('without a prepared body, the body is the stream of the standard', async (t) => {
  const seen: unknown[] = [];
  const look = async (exchange: Exchange): Promise<void> => {
    const { body } = toEdgeOneRequest(exchange);
    seen.push(body instanceof ReadableStream, await new Response(body as ReadableStream).text());
    await writeWebResponse(exchange, new Response(''));
  };
  const server = await serveExchanges(t, look);
  for (const method of METHODS) await server.exchange(`${method} ${TEXT}`);

  t.deepEqual(seen, [true, BODY, true, BODY]);
});
