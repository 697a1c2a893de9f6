import test from 'ava';
import { LazyRequest } from '../../src/http/lazy-request.ts';
import { ReceivedHeaders } from '../../src/http/received-headers.ts';
import { toWebRequest } from '../../src/http/web-request.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { startEdge } from '../helpers/edge.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** An edge function that answers with what `code` makes of its request. */
function edgeSite(code: string): Readonly<Record<string, string>> {
  return {
    'netlify/edge-functions/all.js': `export default async (request) => Response.json(await (${code})(request));
      export const config = { path: '/*' };`,
  };
}

const POST =
  'POST /a?b=%20 HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello';

const WORKS: Readonly<Record<string, readonly [code: string, expected: unknown]>> = {
  'is an instance of Request': [
    '(r) => [r instanceof Request, r.constructor.name, String(r)]',
    [true, 'Request', '[object Request]'],
  ],
  'has the members of one': [
    `(r) => Object.getOwnPropertyNames(Object.getPrototypeOf(Request.prototype)).concat(Object.getOwnPropertyNames(Request.prototype))
      .filter((name) => typeof r[name] !== typeof new Request('http://a/', { method: 'POST', body: 'a' })[name])`,
    [],
  ],
  'has method, URL and headers': [
    '(r) => [r.method, r.url, r.headers.get("x-a")]',
    ['POST', 'http://a.test/a?b=%20', '1, 2'],
  ],
  'is read once': [
    'async (r) => [r.bodyUsed, await r.text(), r.bodyUsed, await r.text().catch(() => "no")]',
    [false, 'hello', true, 'no'],
  ],
  'is copied': [
    '(r) => { const copy = new Request(r); return copy.text().then((text) => [copy.method, copy.headers.get("x-a"), text]) }',
    ['POST', '1, 2', 'hello'],
  ],
  'is copied with changes': [
    '(r) => { const copy = new Request("http://b.test/", r); return copy.text().then((text) => [copy.url, copy.method, text]) }',
    ['http://b.test/', 'POST', 'hello'],
  ],
  'is cloned': [
    'async (r) => [await r.clone().text(), await r.text(), r.clone instanceof Function]',
    ['hello', 'hello', true],
  ],
  'is the base of a class': [
    'async (r) => { class Own extends Request {} return [new Own(r) instanceof Own, r instanceof Own] }',
    [true, false],
  ],
  'has a signal': [
    '(r) => [r.signal instanceof AbortSignal, r.signal === r.signal, r.signal.aborted]',
    [true, true, false],
  ],
  'keeps a method and a URL that code tries to replace': [
    '(r) => { try { r.method = "PUT"; r.url = "x"; } catch {} return [r.method, r.url] }',
    ['POST', 'http://a.test/a?b=%20'],
  ],
};

for (const [what, [code, expected]] of Object.entries(WORKS)) {
  test(`the request of an edge function ${what}`, async (t) => {
    const edge = await startEdge(t, { site: await siteFolder(t, edgeSite(code)) });

    const [, body = ''] = (await edge.exchange(POST)).split('\r\n\r\n');
    t.deepEqual(JSON.parse(body), expected);
  });
}

test('the request of an edge function is fetched with its headers and its body', async (t) => {
  const origin = await startEdge(t, {
    site: await siteFolder(t, edgeSite('async (r) => [r.method, r.headers.get("x-a"), await r.text()]')),
  });
  const code = `(r) => fetch(new Request('${origin.url}', r)).then((response) => response.json())`;
  const edge = await startEdge(t, { site: await siteFolder(t, edgeSite(code)) });

  const [, body = ''] = (await edge.exchange(POST)).split('\r\n\r\n');
  t.deepEqual(JSON.parse(body), ['POST', '1, 2', 'hello']);
});

test('a request that code only passes on is never made', async (t) => {
  let made = 0;
  const server = await serveExchanges(t, (exchange) => {
    const request = LazyRequest.create(exchange, {
      url: 'http://a/',
      headers: new ReceivedHeaders(exchange.request),
      create: () => {
        made++;
        return toWebRequest(exchange);
      },
    });
    const { method, url, signal, bodyUsed } = request;
    return writeWebResponse(
      exchange,
      Response.json([method, url, signal.aborted, bodyUsed, LazyRequest.isUnseen(request)]),
    );
  });
  await startEdge(t);

  t.true(
    (await server.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).endsWith(
      '["GET","http://a/",false,false,true]',
    ),
  );
  t.is(made, 0);
  await server.exchange('REPORT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.is(made, 1);
});
