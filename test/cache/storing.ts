import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { findHeader } from '../../src/contract/header-list.ts';
import { callCached } from '../helpers/cached-calls.ts';
import { type CachedSetup, createCachedPage, type Question, serveCached } from '../helpers/cached-server.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

const FRESH = ['Cache-Control', 'public, max-age=60'];

/** What a target answers to each call, and the request, that must be answered by the target a second time. */
interface NotStored {
  readonly headers?: readonly string[];
  readonly status?: number;
  readonly question?: Question;
  readonly setup?: CachedSetup;
  readonly detail?: string;
  readonly answer?: (exchange: Exchange, call: number) => void;
}

const NOT_STORED: Readonly<Record<string, NotStored>> = {
  'a response without any field': { headers: [] },
  'a response without a lifetime': { headers: ['Cache-Control', 'public'], detail: 'no-lifetime' },
  'Cache-Control where only targeted fields count': { setup: { rule: { fields: 'targeted' } } },
  'a response with Set-Cookie': { headers: [...FRESH, 'Set-Cookie', 'a=b'], detail: 'set-cookie' },
  'a private response': { headers: ['Cache-Control', 'private, max-age=60'], detail: 'private' },
  'a response that varies by everything': { headers: [...FRESH, 'Vary', '*'], detail: 'vary' },
  'an unknown instruction of Netlify-Vary': { headers: [...FRESH, 'Netlify-Vary', 'device'], detail: 'netlify-vary' },
  'an event stream': { headers: [...FRESH, 'Content-Type', 'text/event-stream'], detail: 'event-stream' },
  'a response of status 500': { status: 500, detail: 'status' },
  'a response of status 206': { status: 206, detail: 'status' },
  'a GET with a body': { question: { body: 'fat', headers: { 'content-length': '3' } } },
  'a GET with Authorization': {
    headers: ['Cache-Control', 'max-age=60'],
    question: { headers: { authorization: 'a' } },
    detail: 'authorization',
  },
  'a request with no-store': { question: { headers: { 'cache-control': 'no-store' } }, detail: 'request-no-store' },
  'a request for a range': { question: { headers: { range: 'bytes=0-1' } } },
  'a POST': { question: { method: 'POST' } },
  'a body above the limit': { setup: { objectBytes: 5 } },
  'a body above the limit with its length': { headers: [...FRESH, 'Content-Length', '6'], setup: { objectBytes: 5 } },
  'a body that is larger than the memory': { setup: { memoryBytes: 100 } },
  'a response with trailers': {
    answer(exchange, call) {
      exchange.writeHead(200, 'OK', [...FRESH, 'Trailer', 'X-A']);
      exchange.response.end(`page ${call}`, ['X-A', '1']);
    },
  },
};

for (const [what, { headers = FRESH, status = 200, question, setup, detail, answer }] of Object.entries(NOT_STORED)) {
  test(`${what} is not stored`, async (t) => {
    const server = await serveCached(
      t,
      answer ?? ((exchange, call) => writeText(exchange, status, `page ${call}`, headers)),
      setup,
    );

    const first = await server.ask(question);
    const second = await server.ask(question);

    t.deepEqual([first.body, second.body], ['page 1', 'page 2']);
    t.is(first.status, status);
    if (detail !== undefined) t.is(first.headers['cache-status'], `nexthop; fwd=uri-miss; detail=${detail}`);
    if (headers.length === 0) t.is(first.headers['cache-status'], undefined);
  });
}

const BROKEN: Readonly<Record<string, (exchange: Exchange) => void>> = {
  'ends before its Content-Length'(exchange) {
    exchange.writeHead(200, 'OK', [...FRESH, 'Content-Length', '10']);
    exchange.response.write('part');
    exchange.response.end();
  },
  'fails after a part'(exchange) {
    exchange.writeHead(200, 'OK', FRESH);
    exchange.response.write('part');
    setImmediate(() => exchange.fail(new Fault('function_error')));
  },
  'is cut after a part'(exchange) {
    exchange.writeHead(200, 'OK', FRESH);
    exchange.response.write('part');
    setImmediate(() => exchange.response.abort());
  },
};

for (const [how, answer] of Object.entries(BROKEN)) {
  test(`a response that ${how} is not stored, and its client can tell`, async (t) => {
    const server = await serveCached(t, (exchange, call) => {
      if (call === 1) answer(exchange);
      else writeText(exchange, 200, 'whole', FRESH);
    });

    await t.throwsAsync(server.ask());
    t.is((await server.ask()).body, 'whole');
    t.is(server.calls.length, 2);
  });
}

test('a GET with a body gets no stored response', async (t) => {
  const server = await serveCached(t, (exchange, call) => writeText(exchange, 200, `page ${call}`, FRESH));
  await server.ask();

  const bodies = [];
  for (const headers of [{ 'content-length': '3' }, { 'transfer-encoding': 'chunked' }]) {
    bodies.push((await server.ask({ body: 'fat', headers })).body);
  }

  t.deepEqual(bodies, ['page 2', 'page 3']);
  t.is((await server.ask()).body, 'page 1');
});

test('arbitrary values of Accept get responses of their own, and leave those of others as they are', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    const status = exchange.request.get('accept') === 'none' ? 406 : 200;
    writeText(exchange, status, `page ${call}`, [...FRESH, 'Vary', 'Accept']);
  });
  const ask = async (accept: string) => (await server.ask({ headers: { accept } })).body;
  const page = await ask('text/html');

  const others = new Set<string>();
  for (let at = 0; at < 100; at++) others.add(await ask(at % 2 === 0 ? `text/${at}` : 'none'));

  t.is(others.size, 100);
  t.is(await ask(' TEXT/html '), page);
});

test('an error of the target is not stored', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    if (call < 3) throw new Fault('function_error');
    writeText(exchange, 200, `page ${call}`, FRESH);
  });

  t.deepEqual([(await server.ask()).status, (await server.ask()).status], [500, 500]);
  t.is((await server.ask()).status, 200);
  t.is(server.faults.length, 2);
});

test('a streamed response reaches its client as it is written, and is stored whole', async (t) => {
  let end = (): void => {};
  const server = await serveCached(t, (exchange) => {
    exchange.writeHead(200, 'OK', FRESH);
    exchange.response.write('first ');
    end = () => exchange.response.end('last');
  });

  const peer = await server.connect();
  peer.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  await peer.readUntil('first ');
  end();
  await peer.readUntil('0\r\n\r\n');

  t.is((await server.ask()).body, 'first last');
  t.is(server.calls.length, 1);
});

test('bodies on their way hold no more bytes than the memory: the one that began first is only sent', async (t) => {
  const pages: Exchange[] = [];
  const server = await serveCached(
    t,
    (exchange, call) => {
      exchange.writeHead(200, 'OK', FRESH);
      exchange.response.write('x'.repeat(9000));
      if (call > 3) exchange.response.end();
      else pages.push(exchange);
    },
    { memoryBytes: 25_000, objectBytes: 10_000 },
  );
  const replies = ['/1', '/2', '/3'].map(async (path, index) => {
    await until(() => pages.length === index, 'the page before');
    return server.ask({ path });
  });
  await until(() => pages.length === 3, 'all pages');
  for (const { response } of pages.reverse()) response.end('end');

  for (const { body } of await Promise.all(replies)) t.is(body, `${'x'.repeat(9000)}end`);
  for (const path of ['/2', '/3']) t.is((await server.ask({ path })).headers['cache-status'], 'nexthop; hit; ttl=60');
  t.regex((await server.ask({ path: '/1' })).headers['cache-status'] ?? '', /fwd=miss/);
});

test('code may change the bytes of a response after it has written them', async (t) => {
  const bytes = Buffer.from('page');
  const server = await serveCached(t, (exchange) => {
    exchange.writeHead(200, 'OK', FRESH);
    exchange.response.write(bytes);
    exchange.response.end();
    setImmediate(() => bytes.fill('x'));
  });

  await server.ask();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  t.is((await server.ask()).body, 'page');
});

test('a target that passes is asked again, and what follows it answers', async (t) => {
  const server = await serveCached(t, () => 'passed');

  t.deepEqual([(await server.ask()).status, (await server.ask()).status], [421, 421]);
  t.is(server.calls.length, 2);
});

test('after many responses that are not stored, one that may be stored is found again', async (t) => {
  let headers: readonly string[] = [];
  const server = await serveCached(t, (exchange, call) => writeText(exchange, 200, `page ${call}`, headers));

  for (let at = 1; at <= 60; at++) t.is((await server.ask({ path: `/${at}` })).headers['cache-status'], undefined);
  headers = FRESH;
  await server.ask();
  await server.ask();
  t.is((await server.ask()).body, 'page 62');
});

test('random queries of a page do not remove one that clients ask for again, and all of them stay in the limit of memory', async (t) => {
  const page = createCachedPage((exchange) => writeText(exchange, 200, 'x'.repeat(1000), FRESH), {
    memoryBytes: 200_000,
  });
  const isHit = async (path: string) =>
    / hit/.test(String(findHeader((await callCached(page, { path })).headers, 'cache-status')));
  await isHit('/?popular');
  await isHit('/?popular');

  for (let at = 0; at < 1000; at++) t.false(await isHit(`/?x=${at}`));

  t.true(await isHit('/?popular'));
  t.true(page.answers.memoryBytes < 200_000);
  t.true(page.answers.evictions > 800);
});
