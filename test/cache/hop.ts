import { createServer } from 'node:http';
import test from 'ava';
import { ask } from '../helpers/cached-server.ts';
import { startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';
import { untilResult } from '../helpers/until-result.ts';

test('with CACHE=all a header by which a hop chooses another page neither stores nor gets a response', async (t) => {
  const hop = await listen(
    t,
    createServer((request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      const { 'x-original-url': other, x_original_url: same = other } = request.headers;
      response.end(`page of ${same ?? request.url}`);
    }),
  );
  const { url } = await startEdge(t, { env: { NEXT_HOP: hop, CACHE: 'all', TRUSTED_PROXIES: 'none' } });
  const ask = async (headers: Readonly<Record<string, string>> = {}) =>
    (await fetch(`${url}/home`, { headers })).text();

  for (const name of ['x-original-url', 'X_Original_URL']) {
    const evil = { [name]: '/evil' };
    t.is(await ask(evil), 'page of /evil');
    t.is(await ask(), 'page of /home');
    t.is(await ask(), 'page of /home');
    t.is(await ask(evil), 'page of /evil');
  }
});

test('with CACHE=all a header that a hop cannot tell from one in its Vary gets a response of its own', async (t) => {
  const hop = await listen(
    t,
    createServer(({ headers }, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.setHeader('Vary', 'X-Lang');
      // As HTTP_X_LANG of a CGI server.
      response.end(`page in ${headers.x_lang ?? headers['x-lang']}`);
    }),
  );
  const { url } = await startEdge(t, { env: { NEXT_HOP: hop, CACHE: 'all' } });
  const ask = async (headers: Readonly<Record<string, string>>) => (await fetch(`${url}/home`, { headers })).text();

  t.is(await ask({ X_Lang: 'evil' }), 'page in evil');
  t.is(await ask({ 'X-Lang': 'en' }), 'page in en');
  t.is(await ask({ 'X-Lang': 'en', X_Lang: 'evil' }), 'page in evil');
  t.is(await ask({ 'X-Lang': 'en' }), 'page in en');
  t.is(await ask({}), 'page in undefined');
});

test('with CACHE=all requests whose parameters have another order share no response of a hop', async (t) => {
  const hop = await listen(
    t,
    createServer((request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(request.url);
    }),
  );
  const { url } = await startEdge(t, { env: { NEXT_HOP: hop, CACHE: 'all' } });

  for (const path of ['/?A=1&a=2', '/?a=2&A=1', '/?a=1;b=2&b=3', '/?b=3&a=1;b=2', '/?A=1&a=2']) {
    t.is(await (await fetch(`${url}${path}`)).text(), path);
  }
});

test('with CACHE=all the page of a hop for a request with CDN-Loop is not sent to one without', async (t) => {
  const hop = await listen(
    t,
    createServer(({ headers }, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(headers['cdn-loop']);
    }),
  );
  const { url } = await startEdge(t, { env: { NEXT_HOP: hop, CACHE: 'all' } });
  const ask = async (headers: Readonly<Record<string, string>> = {}) => (await fetch(url, { headers })).text();

  t.is(await ask({ 'cdn-loop': 'nexthop' }), 'nexthop, nexthop');
  t.is(await ask(), 'nexthop');
  t.is(await ask({ 'cdn-loop': 'nexthop' }), 'nexthop');
});

test('with CACHE=all an error of nexthop about the hop is not stored', async (t) => {
  let calls = 0;
  const hop = createServer((_request, response) => {
    calls++;
    response.setHeader('Cache-Control', 'max-age=60');
    if (calls === 1) response.destroy();
    else if (calls === 2) {
      response.setHeader('Content-Length', 100);
      response.end('part', () => response.destroy());
    } else response.end(`page ${calls}`);
  });
  const { port } = await startEdge(t, { env: { NEXT_HOP: await listen(t, hop), CACHE: 'all', HOP_KEEP_ALIVE: '0' } });
  // Not sent twice: another request of a kept connection might be.
  const get = () => ask(port, { path: '/page', headers: { host: 'a.test' } });

  t.is((await get()).status, 502);
  await t.throwsAsync(get());
  // For two seconds after the part, requests do not wait for each other and store nothing.
  const hit = await untilResult(get, ({ headers }) => headers.age !== undefined);
  t.is(hit.status, 200);
  t.regex(hit.body, /^page \d+$/);
});
