import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { Response as UndiciResponse } from 'undici';
import { Fault } from '../../src/contract/fault.ts';
import { isWebResponse, writeWebResponse } from '../../src/http/web-response.ts';
import type { WebResponse } from '../../src/http/web-response-head.ts';
import { type ExchangeServer, serveExchanges } from '../helpers/exchange-server.ts';

function serve(t: ExecutionContext, origin: () => WebResponse): Promise<ExchangeServer> {
  return serveExchanges(t, (exchange) => writeWebResponse(exchange, origin()));
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

function streamOf(...chunks: unknown[]): ReadableStream {
  return ReadableStream.from(chunks);
}

test('a body that is complete already is sent with Content-Length', async (t) => {
  const server = await serve(t, () => new Response('Hello'));

  const answer = await server.exchange(GET);

  t.true(answer.startsWith('HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\n'));
  t.regex(answer, /\r\nContent-Length: 5\r\n/);
  t.true(answer.endsWith('\r\n\r\nHello'));
  t.like(server.exchanges[0], { response: { sentBytes: 5 }, contentType: 'text/plain;charset=UTF-8' });
});

test('the bytes of head and body arrive unchanged', async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const server = await serve(t, () => new Response(bytes, { headers: { 'X-Name': 'é\xff' } }));

  const answer = await server.exchange(GET);

  t.regex(answer, /\r\nx-name: é\xff\r\n/);
  t.is(answer.split('\r\n\r\n')[1], Buffer.from(bytes).toString('latin1'));
});

test('a body that is too large for one string arrives completely', async (t) => {
  const server = await serve(t, () => new Response('é'.repeat(100_000)));

  const answer = await server.exchange(GET);

  t.regex(answer, /\r\nContent-Length: 200000\r\n/);
  t.is(answer.split('\r\n\r\n')[1]?.length, 200_000);
});

test('status and reason are those of the Response', async (t) => {
  const server = await serve(t, () => new Response('', { status: 418, statusText: 'Is a T\xe9apot' }));

  t.true((await server.exchange(GET)).startsWith('HTTP/1.1 418 Is a T\xe9apot\r\n'));
});

test('characters that a reason phrase cannot have are removed from it', async (t) => {
  const server = await serve(t, () => responseLike({ statusText: 'a\r\nSet-Cookie: x ☃b' }));

  t.true((await server.exchange(GET)).startsWith('HTTP/1.1 200 aSet-Cookie: x b\r\n'));
});

test('each cookie is a separate Set-Cookie header', async (t) => {
  const headers = new Headers([
    ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
    ['set-cookie', 'b=2'],
  ]);
  const server = await serve(t, () => new Response(null, { headers }));

  const answer = await server.exchange(GET);

  t.deepEqual(answer.match(/set-cookie: .*/g), [
    'set-cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    'set-cookie: b=2',
  ]);
});

test('connection headers of a function are not sent', async (t) => {
  const headers = {
    Connection: 'upgrade',
    'Keep-Alive': 'x',
    'Transfer-Encoding': 'gzip',
    Upgrade: 'y',
    Trailer: 'z',
    TE: 'trailers',
  };
  const server = await serve(t, () => new Response('Hello', { headers }));

  const answer = await server.exchange(GET);

  t.notRegex(answer, /upgrade|keep-alive|transfer-encoding|trailer/i);
  t.regex(answer, /\r\nConnection: close\r\n/);
});

test('Content-Length of a complete body is its real length, not the one of the function', async (t) => {
  const server = await serve(t, () => new Response('Hello', { headers: { 'Content-Length': '3' } }));

  const answer = await server.exchange(GET);

  t.deepEqual(answer.match(/content-length: .*/gi), ['Content-Length: 5']);
});

test('the request id is added unless the function sets it', async (t) => {
  const plain = await serve(t, () => new Response());
  const own = await serve(t, () => new Response(null, { headers: { 'X-Request-Id': 'mine' } }));

  t.deepEqual((await plain.exchange(GET)).match(/x-request-id: .*/gi), ['x-request-id: id-of-this']);
  t.deepEqual((await own.exchange(GET)).match(/x-request-id: .*/gi), ['x-request-id: mine']);
});

for (const [status, length] of [
  [204, undefined],
  [205, '0'],
  [304, '7'],
] as const) {
  test(`a ${status} has no body, and ${length === undefined ? 'no length' : `the length ${length}`}`, async (t) => {
    const server = await serve(t, () =>
      responseLike({ status, headers: [['Content-Length', '7']], body: streamOf('content') }),
    );

    const answer = await server.exchange(GET);

    t.is(/content-length: (\d+)/i.exec(answer)?.[1], length);
    t.notRegex(answer, /transfer-encoding/i);
    t.true(answer.endsWith('\r\n\r\n'));
  });
}

test('the response to HEAD has no body, and its stream is cancelled', async (t) => {
  let reason: unknown;
  const server = await serve(t, () => {
    const body = new ReadableStream({ cancel: (given) => (reason = given) });
    return new Response(body, { headers: { 'Content-Length': '5' } });
  });

  const answer = await server.exchange(`HEAD${GET.slice(3)}`);

  t.regex(answer, /\r\nContent-Length: 5\r\n/);
  t.notRegex(answer, /transfer-encoding/i);
  t.true(answer.endsWith('\r\n\r\n'));
  t.true(reason instanceof Error);
});

for (const [what, origin] of [
  ['a network error', () => Response.error()],
  ['a status of 101', () => responseLike({ status: 101 })],
  ['a status of 600', () => responseLike({ status: 600 })],
  ['a body that is locked', () => locked()],
  ['a body that is not a stream', () => responseLike({ body: 42 })],
  ['a header that cannot be written', () => new Response('', { headers: { 'X-WakeUp': '\x07' } })],
  ['a chunk that is neither bytes nor text', () => new Response(streamOf(42))],
  [
    'a header that cannot be written before a slow stream',
    () => new Response(silent(), { headers: { 'X-WakeUp': '\x07' } }),
  ],
] as const) {
  test(`${what} is function_bad_answer, and no part of it is sent`, async (t) => {
    const server = await serve(t, origin);

    const answer = await server.exchange(GET);

    t.regex(answer, /^HTTP\/1.1 500 Internal Server Error\r\n/);
    t.regex(answer, /\r\n\r\n.*function_bad_answer/s);
    t.notRegex(answer, /x-wakeup/i);
  });
}

test('the fault names the header that cannot be written', async (t) => {
  const server = await serve(t, () => new Response('', { headers: { 'X-Fine': '1', 'X-WakeUp': '\x07' } }));

  await server.exchange(GET);

  t.is(server.faults[0]?.message, 'the Response has an invalid header: "x-wakeup"');
});

test('a Response that was read already is function_bad_answer', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    const response = new Response('Hello');
    await response.text();
    await writeWebResponse(exchange, response);
  });

  t.regex(await server.exchange(GET), /function_bad_answer/);
  t.regex(server.faults[0]?.message ?? '', /already used/);
});

for (const [origin, response] of [
  ['the undici package', () => new UndiciResponse('Hello', { headers: { 'X-A': '1' } })],
  ['node-fetch', () => responseLike({ headers: [['X-A', '1']], body: Readable.from([Buffer.from('Hel'), 'lo']) })],
] as const) {
  test(`a Response of ${origin} is sent like one of Node`, async (t) => {
    t.true(isWebResponse(response()));
    const server = await serve(t, response as () => WebResponse); // the types of undici and Node differ in details

    const answer = await server.exchange(GET);

    t.regex(answer, /\r\nx-a: 1\r\n/i);
    t.regex(answer, /Hel(\r\n.*\r\n)?lo/);
  });
}

test('cookies that node-fetch joined are separate Set-Cookie headers', async (t) => {
  const headers = Object.assign([['set-cookie', 'a=1, b=2']] as [string, string][], {
    raw: () => ({ 'set-cookie': ['a=1', 'b=2'] }),
  });
  const server = await serve(t, () => responseLike({ headers }));

  const answer = await server.exchange(GET);

  t.deepEqual(answer.match(/set-cookie: .*/g), ['set-cookie: a=1', 'set-cookie: b=2']);
});

test('a plain object is not a Response', (t) => {
  for (const value of [undefined, null, 'text', 200, { status: 200 }, { status: 200, headers: [], body: '' }]) {
    t.false(isWebResponse(value));
  }
});

/** An object with the interface of a Response. */
function responseLike(parts: Partial<WebResponse>): WebResponse {
  const made = { status: 200, headers: [], body: null, bodyUsed: false, arrayBuffer: () => {}, ...parts };
  return made;
}

function locked(): Response {
  const response = new Response('Hello');
  response.body?.getReader();
  return response;
}

/** A stream without any chunk that never ends. */
function silent(): ReadableStream {
  return new ReadableStream();
}

test('a reason phrase of the function is replaced when its platform has none', async (t) => {
  const server = await serveExchanges(t, (exchange) =>
    writeWebResponse(exchange, new Response('', { statusText: 'Fine' }), { ownReason: true }),
  );

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 200 OK\r\n/);
});

test("a platform's request id replaces the function's own, also in an error response", async (t) => {
  const responses = [new Response('', { headers: { 'X-Platform-Id': 'mine' } })];
  const server = await serveExchanges(t, async (exchange) => {
    exchange.platformId = { name: 'x-platform-id', value: 'theirs' };
    const response = responses.pop();
    if (!response) throw new Fault('function_error');
    await writeWebResponse(exchange, response);
  });

  for (const status of [200, 500]) {
    const answer = await server.exchange(GET);

    t.true(answer.startsWith(`HTTP/1.1 ${status} `));
    t.deepEqual(answer.match(/x-platform-id: .*(?=\r)/gi), ['x-platform-id: theirs']);
  }
});
