import test from 'ava';
import type { CacheNewsListener, CachePeers } from '../../src/contract/cache.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import { serveCached } from '../helpers/cached-server.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

const FRESH = ['Cache-Control', 'public, max-age=60'];

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'M-SEARCH']) {
  for (const [status, body] of [
    [200, 'page 3'],
    [303, 'page 3'],
    [404, 'page 1'],
    [500, 'page 1'],
  ] as const) {
    test(`after a ${method} with ${status} the page is ${body === 'page 1' ? 'still stored' : 'fetched again'}`, async (t) => {
      const server = await serveCached(t, (exchange, call) => {
        const isPage = exchange.request.method === 'GET';
        writeText(exchange, isPage ? 200 : status, `page ${call}`, isPage ? [...FRESH, 'Vary', 'X-A'] : []);
      });

      await server.ask({ path: '/a?b=1' });
      await server.ask({ path: '/a', method });
      t.is((await server.ask({ path: '/a?b=1' })).body, body);
    });
  }
}

test('a write removes the pages of its own host that its response names, and no other', async (t) => {
  const server = await serveCached(t, (exchange) => {
    const { method, host } = exchange.request;
    if (method === 'GET') writeText(exchange, 200, exchange.target, FRESH);
    else writeText(exchange, 303, '', ['Location', '/b?x=1', 'Content-Location', `http://${host}/c`, 'Link', '</d>']);
  });
  const paths = ['/a', '/b', '/c', '/d'];
  for (const path of paths) await server.ask({ path });

  await server.ask({ path: '/a', method: 'POST' });
  const before = server.calls.length;
  for (const path of paths) await server.ask({ path });

  t.deepEqual(
    server.calls.slice(before).map(({ target }) => target),
    ['/a', '/b', '/c'],
  );
});

test('a write of a host does not remove pages of another host', async (t) => {
  const server = await serveCached(t, (exchange) => {
    if (exchange.request.method === 'GET') writeText(exchange, 200, exchange.target, FRESH);
    else writeText(exchange, 201, '', ['Location', 'http://b.test/a']);
  });
  await server.ask({ path: '/a', headers: { host: 'b.test' } });

  await server.ask({ path: '/a', headers: { host: 'a.test' }, method: 'POST' });
  t.is((await server.ask({ path: '/a', headers: { host: 'b.test' } })).headers['cache-status'], 'nexthop; hit; ttl=60');
});

test('a page that was being fetched during a write is not stored', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) held.push(exchange);
    else writeText(exchange, 200, `page ${call}`, FRESH);
  });
  const first = server.ask();
  await until(() => held.length === 1, 'the call');
  await server.ask({ method: 'POST' });
  writeText(held[0] as Exchange, 200, 'page 1', FRESH);
  t.is((await first).body, 'page 1');

  t.is((await server.ask()).body, 'page 3');
});

/** Two workers, as their supervisor connects them; and the changes that they report. */
function connectTwo(): { readonly ends: readonly [CachePeers, CachePeers]; readonly changes: string[] } {
  const listeners: CacheNewsListener[] = [];
  const changes: string[] = [];
  const toEnd = (other: number): CachePeers => ({
    shareStoring: () => listeners[other]?.storing(),
    shareChange: (urlKey) => {
      changes.push(urlKey);
      listeners[other]?.changed(urlKey);
    },
    onCacheNews: (listener) => void listeners.splice(1 - other, 1, listener),
  });
  return { ends: [toEnd(1), toEnd(0)], changes };
}

test('a write in one worker removes the page from the memory of the other, and costs nothing while nothing is stored', async (t) => {
  const { ends, changes } = connectTwo();
  const held: Exchange[] = [];
  const answer = (exchange: Exchange, call: number): void => {
    if (exchange.target.includes('slow') && call === 2) held.push(exchange);
    else writeText(exchange, 200, `page ${call}`, exchange.request.method === 'GET' ? FRESH : []);
  };
  const ours = await serveCached(t, answer, { peers: ends[0] });
  const theirs = await serveCached(t, answer, { peers: ends[1] });
  const headers = { host: 'a.test' };

  await ours.ask({ path: '/a', method: 'POST', headers });
  t.deepEqual(changes, []);

  t.is((await theirs.ask({ path: '/a?x', headers })).body, 'page 1');
  const slow = theirs.ask({ path: '/slow', headers });
  await until(() => held.length === 1, 'the call');
  for (const path of ['/a', '/slow']) await ours.ask({ path, method: 'POST', headers });
  t.deepEqual(changes, ['http://a.test/a', 'http://a.test/slow']);
  writeText(held[0] as Exchange, 200, 'page 2', FRESH);
  t.is((await slow).body, 'page 2');

  t.is((await theirs.ask({ path: '/a?x', headers })).body, 'page 3');
  t.is((await theirs.ask({ path: '/slow', headers })).body, 'page 4');
});

test('a page that a client with conditions was fetching during a write is not stored', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) held.push(exchange);
    else writeText(exchange, 200, `page ${call}`, FRESH);
  });
  const first = server.ask({ headers: { 'if-none-match': '"x"' } });
  await until(() => held.length === 1, 'the call');
  await server.ask({ method: 'POST' });
  writeText(held[0] as Exchange, 200, 'page 1', FRESH);
  t.is((await first).body, 'page 1');

  t.is((await server.ask()).body, 'page 3');
});
