import test from 'ava';
import { ask as askPort, createCachedPage, type Question, type Reply, serveCached } from '../helpers/cached-server.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';
import { writeText } from '../helpers/write-text.ts';

const DATE = 'Fri, 15 Jan 2027 08:00:00 GMT';
const FRESH = ['Cache-Control', 'public, max-age=60'];

test('a stored response is sent again with its date, its age and the id of the new request', async (t) => {
  const server = await serveCached(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, [...FRESH, 'Date', DATE, 'X-A', '1']),
  );

  const first = await server.ask();
  server.pass(12_900);
  const second = await server.ask({ headers: { cookie: 'a=b' } });

  t.is(server.calls.length, 1);
  t.is(first.headers['cache-status'], 'nexthop; fwd=uri-miss; stored; ttl=60');
  t.is(first.headers.age, undefined);
  t.like(second, { status: 200, body: 'page 1' });
  t.like(second.headers, {
    age: '12',
    date: DATE,
    'x-a': '1',
    'cache-status': 'nexthop; hit; ttl=48',
    'x-request-id': 'id-of-this',
    'content-length': '6',
  });
});

test('only a fresh response is sent before the code of the target counts as called', async (t) => {
  const { target, bans } = createCachedPage((exchange, call) => writeText(exchange, 200, `page ${call}`, FRESH));
  const atOnce: (boolean | undefined)[] = [];
  const server = await serveExchanges(t, async (exchange) => {
    exchange.answeredBy = target.name;
    atOnce.push(target.answerAtOnce?.(exchange, {}));
    if (!atOnce.at(-1)) await target.answer(exchange, {});
  });
  const ask = (question: Question = {}): Promise<Reply> => askPort(server.port, question);

  await ask();
  t.is((await ask()).body, 'page 1');
  t.is((await ask({ path: '/other' })).body, 'page 2');
  t.is((await ask({ method: 'POST' })).body, 'page 3');
  t.is((await ask()).body, 'page 4');
  bans.pass(61_000);
  t.is((await ask()).body, 'page 5');
  t.deepEqual(atOnce, [false, true, false, false, false, false]);
});

test('a stored response is not sent after its lifetime, which begins with the age that it came with', async (t) => {
  const server = await serveCached(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, [...FRESH, 'Age', '50']),
  );

  await server.ask();
  server.pass(9000);
  t.like(await server.ask(), { body: 'page 1', headers: { age: '59' } });
  server.pass(1000);
  const third = await server.ask();
  t.is(third.body, 'page 2');
  t.is(third.headers['cache-status'], 'nexthop; fwd=stale; stored; ttl=10');
});

test('a HEAD is answered from a stored GET, and never stored', async (t) => {
  const server = await serveCached(t, (exchange, call) => writeText(exchange, 200, `page ${call}`, FRESH));

  await server.ask({ method: 'HEAD' });
  t.is((await server.ask()).body, 'page 2');
  const head = await server.ask({ method: 'HEAD' });

  t.is(server.calls.length, 2);
  t.like(head, { status: 200, body: '', headers: { 'content-length': '6' } });
});

const TAG = 'W/"a"';
const MODIFIED = 'Thu, 14 Jan 2027 08:00:00 GMT';

const CONDITIONS: readonly (readonly [Question['headers'], number])[] = [
  [{ 'if-none-match': '"a"' }, 304],
  [{ 'if-none-match': '"x", W/"a"' }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"b"' }, 200],
  [{ 'if-none-match': '"b"', 'if-modified-since': MODIFIED }, 200],
  [{ 'if-modified-since': MODIFIED }, 304],
  [{ 'if-modified-since': 'Thu, 14 Jan 2027 07:59:59 GMT' }, 200],
  [{ 'if-modified-since': 'yesterday' }, 200],
];

for (const [headers, status] of CONDITIONS) {
  test(`a hit with ${JSON.stringify(headers)} is ${status}`, async (t) => {
    const server = await serveCached(t, (exchange) =>
      writeText(exchange, 200, 'page', [
        ...FRESH,
        'ETag',
        TAG,
        'Last-Modified',
        MODIFIED,
        'X-A',
        '1',
        'Vary',
        'X-B',
        'Date',
        DATE,
      ]),
    );

    await server.ask();
    server.pass(5000);
    const reply = await server.ask({ headers: headers ?? {} });

    t.is(server.calls.length, 1);
    t.is(reply.status, status);
    t.like(reply.headers, { etag: TAG, age: '5', date: DATE, vary: 'X-B', 'cache-control': FRESH[1] as string });
    t.is(reply.body, status === 304 ? '' : 'page');
    t.is(reply.headers['x-a'], status === 304 ? undefined : '1');
  });
}

const RANGES: readonly (readonly [
  range: string,
  ifRange: string,
  status: number,
  body: string,
  contentRange: string | undefined,
])[] = [
  ['bytes=0-1', '', 206, '01', 'bytes 0-1/10'],
  ['bytes=8-', '', 206, '89', 'bytes 8-9/10'],
  ['bytes=-3', '', 206, '789', 'bytes 7-9/10'],
  ['bytes=5-100', '"a"', 206, '56789', 'bytes 5-9/10'],
  ['bytes=5-6', '"b"', 200, '0123456789', undefined],
  ['bytes=5-6', MODIFIED, 206, '56', 'bytes 5-6/10'],
  ['bytes=5-6', 'Thu, 14 Jan 2027 08:00:01 GMT', 200, '0123456789', undefined],
  ['bytes=0-1,4-5', '', 200, '0123456789', undefined],
  ['bytes=10-', '', 416, '', 'bytes */10'],
  ['lines=1-2', '', 200, '0123456789', undefined],
];

for (const [range, ifRange, status, body, contentRange] of RANGES) {
  test(`a hit with Range: ${range} and If-Range: ${ifRange} is ${status}`, async (t) => {
    const server = await serveCached(t, (exchange) =>
      writeText(exchange, 200, '0123456789', [...FRESH, 'ETag', '"a"', 'Last-Modified', MODIFIED]),
    );

    await server.ask();
    const reply = await server.ask({ headers: { range, ...(ifRange && { 'if-range': ifRange }) } });

    t.is(server.calls.length, 1);
    t.like(reply, { status, body });
    t.is(reply.headers['content-range'], contentRange);
  });
}

test('a client that takes only what is stored gets 504 on a miss', async (t) => {
  const server = await serveCached(t, (exchange) => writeText(exchange, 200, 'page', FRESH));
  const onlyIfCached = { headers: { 'cache-control': 'only-if-cached' } };

  t.is((await server.ask(onlyIfCached)).status, 504);
  t.is(server.calls.length, 0);
  await server.ask();
  t.like(await server.ask(onlyIfCached), { status: 200, body: 'page' });
});

for (const headers of [
  { 'cache-control': 'no-cache' },
  { 'cache-control': 'max-age=0' },
  { pragma: 'no-cache' },
  { 'cache-control': 'no-store' },
]) {
  test(`a client with ${JSON.stringify(headers)} cannot pass a stored response`, async (t) => {
    const server = await serveCached(t, (exchange, call) => writeText(exchange, 200, `page ${call}`, FRESH));

    await server.ask();
    t.is((await server.ask({ headers })).body, 'page 1');
  });
}

test('fields for this cache only are removed, those for other caches go on, and browsers do not store', async (t) => {
  const server = await serveCached(
    t,
    (exchange) =>
      writeText(exchange, 200, 'page', [
        ...[
          'Netlify-CDN-Cache-Control',
          'public, max-age=60',
          'CDN-Cache-Control',
          'max-age=9',
          'Netlify-Vary',
          'query=a',
        ],
        ...['Netlify-Cache-Tag', 'b', 'Netlify-Cache-ID', 'c', 'Cache-Tag', 'd', 'Cache-Status', 'origin; hit'],
      ]),
    { rule: { names: 'netlify' } },
  );

  const replies = [await server.ask(), await server.ask()];

  t.is(server.calls.length, 1);
  for (const { headers } of replies) {
    t.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('netlify')),
      [],
    );
    t.like(headers, {
      'cdn-cache-control': 'max-age=9',
      'cache-tag': 'd',
      'cache-control': 'public, max-age=0, must-revalidate',
    });
  }
  t.deepEqual(
    replies.map(({ headers }) => headers['cache-status']),
    ['origin; hit, "Netlify Edge"; fwd=miss', 'origin; hit, "Netlify Edge"; hit'],
  );
});

test('a slow client of a hit does not copy the body', async (t) => {
  const server = await serveCached(t, (exchange) => writeText(exchange, 200, 'x'.repeat(2 ** 20), FRESH));
  await server.ask();
  const before = process.memoryUsage().arrayBuffers;

  const peers = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
  for (const peer of peers) {
    peer.socket.pause();
    peer.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  }
  while (server.exchanges.length < 21) await new Promise((resolve) => setImmediate(resolve));

  t.is(server.calls.length, 1);
  t.true(process.memoryUsage().arrayBuffers - before < 10 * 2 ** 20);
});
