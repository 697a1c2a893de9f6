import test from 'ava';
import { toWebRequest } from '../../src/http/web-request.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

test('the URL of a Request has the scheme, the Host and the unchanged target', async (t) => {
  const server = await serveExchanges(t, (exchange) =>
    writeWebResponse(exchange, new Response(toWebRequest(exchange).url)),
  );

  const answer = await server.exchange(
    'GET //evil.example/a/?x=1&x=%20 HTTP/1.1\r\nHost: site.example:8080\r\nConnection: close\r\n\r\n',
  );

  t.true(answer.endsWith('\r\n\r\nhttp://site.example:8080//evil.example/a/?x=1&x=%20'));
});

test('an HTTP/1.0 request without Host has a URL', async (t) => {
  const server = await serveExchanges(t, (exchange) =>
    writeWebResponse(exchange, new Response(toWebRequest(exchange).url)),
  );

  const answer = await server.exchange('GET /a HTTP/1.0\r\n\r\n');

  t.true(answer.endsWith('\r\n\r\nhttp://localhost/a'));
});

for (const host of ['a/b', 'a?b', 'user@a', 'a\\b', '1.2.3.999', '[::1', 'a:b', 'a:99999']) {
  test(`a request with the Host ${host} is a fault of the client`, async (t) => {
    const server = await serveExchanges(t, (exchange) => {
      toWebRequest(exchange);
    });

    const answer = await server.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

    t.regex(answer, /^HTTP\/1.1 400 /);
    t.is(server.faults[0]?.code, 'bad_request');
  });
}

test('all headers reach the function: duplicates joined, bytes above ASCII, the name __proto__', async (t) => {
  const server = await serveExchanges(t, (exchange) =>
    writeWebResponse(exchange, Response.json([...toWebRequest(exchange).headers])),
  );

  const answer = await server.exchange(
    'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n__proto__: p\r\nCookie: a=1\r\nx-a: \xe9\r\ncookie: b=2\r\nConnection: close\r\n\r\n',
  );

  const headers = JSON.parse(Buffer.from(answer.split('\r\n\r\n')[1] ?? '', 'latin1').toString());
  t.deepEqual(headers, [
    ['__proto__', 'p'],
    ['cookie', 'a=1; b=2'],
    ['host', 'a'],
    ['x-a', '1, é'],
  ]);
});

test('a Request with a chunked body can be copied, cloned and fetched', async (t) => {
  const origin = await serveExchanges(t, async (exchange) =>
    writeWebResponse(exchange, new Response(`origin: ${await toWebRequest(exchange).text()}`)),
  );
  const server = await serveExchanges(t, async (exchange) => {
    const request = toWebRequest(exchange);
    t.true(request instanceof Request);
    const copy = new Request(`http://127.0.0.1:${origin.port}/`, request.clone() as Request);
    t.is(await request.text(), 'hello');
    await writeWebResponse(exchange, await fetch(copy));
  });

  const answer = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  );

  t.true(answer.endsWith('origin: hello'));
});

test('the signal of a Request, and of its clone, aborts when the client leaves', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    const request = toWebRequest(exchange);
    const { signal } = request.clone();
    t.false(request.signal.aborted);
    peer.reset();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    t.true(request.signal.aborted);
    done();
  });
  let done = (): void => {};
  const finished = new Promise<void>((resolve) => {
    done = resolve;
  });

  const peer = await server.connect();
  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  await finished;
});
