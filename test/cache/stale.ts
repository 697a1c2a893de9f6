import test from 'ava';
import type { CacheTier } from '../../src/contract/cache.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { serveCached } from '../helpers/cached-server.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

const SWR = ['Cache-Control', 's-maxage=60, stale-while-revalidate=30'];

test('a stale response is sent at once and renewed by one call, however many clients ask', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) writeText(exchange, 200, 'page 1', SWR);
    else held.push(exchange);
  });
  await server.ask();
  server.pass(70_000);

  const replies = await Promise.all(Array.from({ length: 5 }, () => server.ask()));
  t.deepEqual([...new Set(replies.map(({ body }) => body))], ['page 1']);
  t.is(replies[0]?.headers['cache-status'], 'nexthop; hit; fwd=stale; ttl=-10');
  t.is(held.length, 1);

  writeText(held[0] as Exchange, 200, 'page 2', SWR);
  await server.settled();
  const reply = await server.ask();
  t.is(reply.body, 'page 2');
  t.is(reply.headers['cache-status'], 'nexthop; hit; ttl=60');
});

test('a response with a lifetime of 0 is sent while it is renewed', async (t) => {
  const server = await serveCached(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, [
      'Netlify-CDN-Cache-Control',
      'public, max-age=0, stale-while-revalidate=60',
    ]),
  );

  await server.ask();
  t.is((await server.ask()).body, 'page 1');
  await server.settled();
  t.is((await server.ask()).body, 'page 2');
});

test('what renews an entry has no credentials of the client who asked, and only cookies that tell variants apart', async (t) => {
  const server = await serveCached(t, (exchange) =>
    writeText(exchange, 200, 'page', [...SWR, 'Netlify-Vary', 'cookie=lang', 'ETag', '"a"']),
  );
  const headers = { cookie: 'session=secret; lang=de', authorization: 'secret', 'x-a': '1', 'if-none-match': '"b"' };
  await server.ask({ headers: { cookie: 'lang=de' } });
  server.pass(70_000);

  await server.ask({ headers, method: 'HEAD' });
  await server.settled();

  t.is(server.calls.length, 2);
  const { request } = server.calls[1] as Exchange;
  t.is(request.method, 'GET');
  t.is(request.get('cookie'), 'lang=de');
  t.is(request.get('authorization'), undefined);
  t.is(request.get('if-none-match'), '"a"');
  t.is(request.get('x-a'), '1');
});

test('a response that fails to be renewed stays until its window ends', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) writeText(exchange, 200, 'page 1', SWR);
    else if (call === 2) throw new Fault('function_error');
    else writeText(exchange, 500, `failure ${call}`, []);
  });
  await server.ask();
  server.pass(70_000);

  t.is((await server.ask()).body, 'page 1');
  await server.settled();
  t.is((await server.ask()).body, 'page 1');
  await server.settled();
  server.pass(30_000);
  t.is((await server.ask()).body, 'failure 4');
});

test('a refresh whose head cannot be sent leaves the stored response as it is', async (t) => {
  const server = await serveCached(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, call === 1 ? SWR : [...SWR, 'X-A', 'a\nb']),
  );
  await server.ask();
  server.pass(60_000);

  for (let round = 0; round < 3; round++) {
    server.pass(2000);
    t.like(await server.ask(), { status: 200, body: 'page 1' });
    await server.settled();
  }
  t.true(server.calls.length > 1);
});

for (const directive of ['must-revalidate', 'proxy-revalidate', 'no-cache']) {
  test(`${directive} forbids every stale response`, async (t) => {
    const field = `max-age=60, stale-while-revalidate=900, stale-if-error=900, ${directive}`;
    const server = await serveCached(t, (exchange, call) => {
      if (call === 1) writeText(exchange, 200, 'page 1', ['Cache-Control', field]);
      else writeText(exchange, 503, 'away', []);
    });

    await server.ask();
    server.pass(61_000);
    t.is((await server.ask()).body, 'away');
  });
}

for (const [how, fail] of Object.entries({
  'answers 503': (exchange: Exchange) => writeText(exchange, 503, 'away', []),
  throws: () => {
    throw new Fault('function_error');
  },
})) {
  test(`with stale-if-error a stale response replaces that of a target that ${how}, and nothing else does`, async (t) => {
    const server = await serveCached(t, (exchange, call) => {
      if (call > 1) return fail(exchange);
      writeText(exchange, 200, exchange.target, [
        'Cache-Control',
        exchange.target === '/a' ? 'max-age=60, stale-if-error=30' : 'max-age=60',
      ]);
    });
    await server.ask({ path: '/a' });
    server.pass(70_000);

    const reply = await server.ask({ path: '/a' });
    t.like(reply, { status: 200, body: '/a' });
    t.regex(reply.headers['cache-status'] ?? '', /^nexthop; hit; fwd=stale;.* ttl=-10$/);
    server.pass(21_000);
    t.true((await server.ask({ path: '/a' })).status >= 500);
  });
}

test('a 304 of the target makes an entry fresh again, and its fields replace those of the entry', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) {
      writeText(exchange, 200, 'page', [
        'Cache-Control',
        'max-age=60',
        'ETag',
        '"a"',
        'X-A',
        '1',
        'X-B',
        '1',
        'Content-Encoding',
        'x',
      ]);
    } else writeText(exchange, 304, '', ['ETag', '"a"', 'X-A', '2', 'Content-Encoding', 'y', 'Set-Cookie', 'a=b']);
  });
  await server.ask();
  server.pass(61_000);

  const revalidated = await server.ask({ headers: { 'x-c': '1' } });
  t.is(server.calls[1]?.request.get('if-none-match'), '"a"');
  t.like(revalidated, { status: 200, body: 'page' });
  t.is(revalidated.headers['cache-status'], 'nexthop; fwd=stale; fwd-status=304; stored; ttl=60');
  const hit = await server.ask();
  t.like(hit.headers, { 'x-a': '2', 'x-b': '1', 'content-encoding': 'x', 'content-length': '4', age: '0' });
  t.is(hit.headers['set-cookie'], undefined);
  t.is(server.calls.length, 2);
  t.is((await server.ask({ headers: { 'if-none-match': '"a"' } })).status, 304);
});

test('conditions of a client go to a target that has nothing stored, and its 304 goes back', async (t) => {
  const server = await serveCached(t, (exchange) =>
    writeText(exchange, 304, '', ['ETag', exchange.request.get('if-none-match') ?? '']),
  );

  const reply = await server.ask({ headers: { 'if-none-match': '"b"' } });

  t.like(reply, { status: 304, headers: { etag: '"b"' } });
});

test('an old 304 that forbids to store ends the entry, and this client still gets it', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    if (call === 2) writeText(exchange, 304, '', ['Cache-Control', 'no-store']);
    else writeText(exchange, 200, `page ${call}`, ['Cache-Control', 'max-age=60', 'ETag', '"a"']);
  });
  await server.ask();
  server.pass(61_000);

  t.is((await server.ask()).body, 'page 1');
  t.is((await server.ask()).body, 'page 3');
});

test('a purge is no staleness: nothing purged is sent while it is renewed', async (t) => {
  const server = await serveCached(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, [...SWR, 'Cache-Tag', 'a']),
  );
  await server.ask();
  server.pass(70_000);
  server.ban('a');

  t.is((await server.ask()).body, 'page 2');
});

test('a refresh whose client has left goes on', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) writeText(exchange, 200, 'page 1', SWR);
    else held.push(exchange);
  });
  await server.ask();
  server.pass(70_000);
  const peer = await server.connect();
  peer.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  await peer.readUntil('page 1');
  peer.reset();
  await until(() => server.exchanges[1]?.response.isClosed === true, 'the end of the connection');

  t.false(held[0]?.left);
  writeText(held[0] as Exchange, 200, 'page 2', SWR);
  await server.settled();
  t.is((await server.ask()).body, 'page 2');
});

test('of two processes that share a stale durable response one renews it', async (t) => {
  const values = new Map<string, Uint8Array>();
  const locks = new Set<string>();
  const tier: CacheTier = {
    isUsed: true,
    read: async (key) => values.get(key),
    write: async (key, value) => void values.set(key, value),
    delete: async (keys) => keys.filter((key) => values.delete(key)).length > 0,
    lock: async (key) => !locks.has(key) && locks.add(key).has(key),
    bytes: async () => undefined,
  };
  const renewals: string[] = [];
  const serve = (name: string) =>
    serveCached(
      t,
      (exchange, call) => {
        if (call > 1 || name === 'theirs') renewals.push(name);
        writeText(exchange, 200, name, ['Cache-Control', 'durable, max-age=1, stale-while-revalidate=600']);
      },
      { tier },
    );
  const [ours, theirs] = [await serve('ours'), await serve('theirs')];
  const question = { headers: { host: 'a.test' } };
  t.is((await ours.ask(question)).body, 'ours');
  await until(() => values.size === 2, 'the entry in the store');
  t.is((await theirs.ask(question)).body, 'ours');
  for (const { pass } of [ours, theirs]) pass(2000);

  for (let round = 0; round < 3; round++) {
    for (const server of [ours, theirs]) {
      t.is((await server.ask(question)).status, 200);
      await server.settled();
    }
  }

  t.is(renewals.length, 1);
});

test('a response has at most 500 tags, and one with 10,000 is purged by the first ones', async (t) => {
  const tags = Array.from({ length: 10_000 }, (_, at) => `t${at}`).join(',');
  const server = await serveCached(t, (exchange, call) => {
    writeText(exchange, 200, `page ${call}`, ['Cache-Control', 'max-age=60', 'Netlify-Cache-Tag', tags]);
  });
  t.is((await server.ask()).body, 'page 1');
  server.ban('t500', 't9999');
  t.is((await server.ask()).body, 'page 1');

  server.ban('t499');

  t.is((await server.ask()).body, 'page 2');
});
