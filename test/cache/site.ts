import { createServer } from 'node:http';
import test from 'ava';
import { ask, type Question, type Reply } from '../helpers/cached-server.ts';
import { startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Answers with what it sees and the number of its call. */
const ECHO = `
let calls = 0;
export default async (request, context) => {
  calls++;
  const seen = [...request.headers].filter(([name]) => /^(x-|forwarded|true-client|host|base-url|request-uri|proxy-)/.test(name) && !/^x-nf|^x-request/.test(name));
  const url = new URL(request.url);
  return Response.json({ calls, url: request.url, seen, country: context.geo.country?.code }, {
    headers: { 'cache-control': 'public, max-age=60', ...(url.searchParams.has('vary') && { 'netlify-vary': url.searchParams.get('vary') }) },
  });
};
export const config = { path: ['/page', '/t/*'] };
`;

/** Marks its results as `builder()` of @netlify/functions does. */
const BUILT = `
let calls = 0;
const metadata = { version: 1, builder_function: true, ttl: 0 };
exports.handler = async ({ path, httpMethod }) =>
  httpMethod === 'GET' ? { statusCode: 200, body: path + ++calls, metadata } : { statusCode: 405, body: '' };
`;

const FILES = {
  'netlify/functions/echo.mjs': ECHO,
  'netlify/functions/plain.mjs': `export default async () => new Response('plain');\nexport const config = { path: '/plain' };`,
  'netlify/functions/personal.mjs': `let calls = 0;\nexport default async () => new Response(String(++calls));\nexport const config = { path: ['/me', '/me/*'] };`,
  'netlify/functions/throws.mjs': `export default async () => { throw new Error('no'); };\nexport const config = { path: '/throws' };`,
  'cloud-functions/only.js': `let calls = 0;\nexport const onRequestGet = () => new Response(String(++calls), { headers: { 'cache-control': 'public, max-age=60' } });`,
  'cloud-functions/targeted.js': `let calls = 0;\nexport const onRequestGet = () => new Response(String(++calls), { headers: { 'cdn-cache-control': 'max-age=60' } });`,
  'netlify/functions/built.cjs': BUILT,
  'public/style.css': 'a {}',
  'edgeone.json': JSON.stringify({ caches: [{ source: '/*', cacheTtl: 600 }] }),
};

async function open(t: Parameters<typeof startEdge>[0], env: Readonly<Record<string, string>> = {}, files = FILES) {
  const site = await siteFolder(t, files);
  const edge = await startEdge(t, { site, env: { TRUSTED_PROXIES: 'none', ...env } });
  return { site, edge, ask: (question?: Question) => ask(edge.port, question) };
}

const callsOf = ({ body }: Reply): number => JSON.parse(body).calls;

test('a response of a Netlify function is stored by its Cache-Control, with the names and ids of the platform', async (t) => {
  const { ask: get } = await open(t);

  const first = await get({ path: '/page' });
  const second = await get({ path: '/page' });

  t.deepEqual([callsOf(first), callsOf(second)], [1, 1]);
  t.is(first.headers['cache-status'], '"Netlify Edge"; fwd=miss');
  t.is(second.headers['cache-status'], '"Netlify Edge"; hit');
  const ids = [first, second].map(({ headers }) => headers['x-nf-request-id']);
  t.regex(ids[1] ?? '', /^[0-9A-Z]{26}$/);
  t.not(ids[0], ids[1]);
  t.not(first.headers['x-request-id'], second.headers['x-request-id']);
});

test('a response of EdgeOne is stored by a targeted field only, from the second one on', async (t) => {
  const { ask: get } = await open(t);

  t.deepEqual([(await get({ path: '/only' })).body, (await get({ path: '/only' })).body], ['1', '2']);
  const bodies = [];
  for (let at = 0; at < 3; at++) bodies.push((await get({ path: '/targeted' })).body);
  t.deepEqual(bodies, ['1', '2', '2']);
  t.regex((await get({ path: '/targeted' })).headers['cache-status'] ?? '', /^nexthop; hit; ttl=\d+$/);
});

test('a function that says nothing about caches answers byte for byte as without a cache', async (t) => {
  const on = await open(t);
  const off = await open(t, { CACHE: 'off' });
  const request = 'GET /plain HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
  const withoutIds = (text: string) => text.replaceAll(/(?:x-request-id|x-nf-request-id|date): .*\r\n/gi, '');

  for (let at = 0; at < 3; at++) {
    t.is(withoutIds(await on.edge.exchange(request)), withoutIds(await off.edge.exchange(request)));
  }
});

test('a body of 5 MB is stored, and a larger one is only sent', async (t) => {
  const { ask: get } = await open(t, {}, {
    'netlify/functions/large.mjs': `let calls = 0;
      export default (request) => new Response(String(++calls).padEnd(Number(new URL(request.url).search.slice(1)), 'x'), { headers: { 'cache-control': 'max-age=60' } });
      export const config = { path: '/large' };`,
  } as unknown as typeof FILES);
  const isHit = async (bytes: number): Promise<boolean> => {
    const [first, second] = [await get({ path: `/large?${bytes}` }), await get({ path: `/large?${bytes}` })];
    t.deepEqual([first.body.length, second.body.length], [bytes, bytes]);
    return first.body === second.body;
  };

  t.deepEqual([await isHit(5 * 2 ** 20), await isHit(5 * 2 ** 20 + 1), await isHit(5 * 2 ** 20)], [true, false, true]);
});

test('a reload begins with an empty cache', async (t) => {
  const { edge, ask: get } = await open(t);
  await get({ path: '/targeted' });
  await get({ path: '/targeted' });
  t.regex((await get({ path: '/targeted' })).headers.age ?? '', /^\d+$/);

  await edge.edge.reload();
  t.is((await get({ path: '/targeted' })).headers.age, undefined);
});

test('with CACHE=off, and with CACHE_MEMORY=0, nothing is stored and every field goes on', async (t) => {
  for (const env of [{ CACHE: 'off' }, { CACHE_MEMORY: '0' }]) {
    const { ask: get } = await open(t, env);
    const replies = [await get({ path: '/page?vary=query' }), await get({ path: '/page?vary=query' })];

    t.deepEqual(replies.map(callsOf), [1, 2]);
    t.is(replies[1]?.headers['netlify-vary'], 'query');
    t.is(replies[1]?.headers['cache-status'], undefined);
  }
});

/** Headers with which a client tries to change the page of others. */
const POISON = {
  'x-forwarded-host': 'evil.test',
  'x-forwarded-proto': 'https',
  'x-forwarded-scheme': 'https',
  'x-forwarded-prefix': '/evil',
  'x-original-url': '/evil',
  'x-rewrite-url': '/evil',
  'x-http-method-override': 'POST',
  'x-host': 'evil.test',
  'x-http-host-override': 'evil.test',
  'x-http-destinationurl': '/evil',
  'x-proxy-url': 'http://evil.test/',
  'x-backend-host': 'evil.test',
  'x-scheme': 'evil',
  'x-script-name': '/evil',
  'base-url': 'http://evil.test',
  'request-uri': '/evil',
  'proxy-host': 'evil.test',
  'x-matched-path': '/evil',
  x_matched_path: '/evil',
  'x-now-route-matches': '1=evil',
  'X-Invoke-Path': '/evil',
  'x-invoke-status': 'evil',
  'x-middleware-rewrite': '/evil',
  'x-astro-path': '/evil',
  'x-astro-locals': '{"user":"evil"}',
  'x-nuxt-no-ssr': 'evil',
  'x-react-router-spa-mode': 'evil',
  'X-React-Router-Prerender-Data': 'evil',
  forwarded: 'host=evil.test',
  'true-client-ip': '192.0.2.1',
};

test('headers of an untrusted client that code may take for those of a proxy reach no function', async (t) => {
  const { ask: get } = await open(t);

  await get({ path: '/page', headers: { host: 'a.test', ...POISON } });
  const { seen, url } = JSON.parse((await get({ path: '/page', headers: { host: 'a.test' } })).body);

  t.is(url, 'http://a.test/page');
  t.notRegex(JSON.stringify(seen), /evil|192.0.2.1|POST/);
  const uncached = await get({ path: '/page', method: 'POST', headers: { host: 'a.test', ...POISON } });
  t.notRegex(uncached.body, /evil/);
});

test('a response to a request with such a header of a trusted proxy is not sent to one without it, or with another value', async (t) => {
  const { ask: get } = await open(t, { TRUSTED_PROXIES: 'all' });
  const of = async (name: string, value?: string) =>
    callsOf(
      await get({ path: `/t/${name}`, headers: { host: 'a.test', ...(value !== undefined && { [name]: value }) } }),
    );

  const names = Object.keys(POISON).filter((name) => name !== 'true-client-ip');
  for (const name of [...names, 'x-nextjs-data']) {
    const [evilValue, otherValue] = name === 'forwarded' ? ['host=evil', 'host=other'] : ['/evil', '/other'];
    const evil = await of(name, evilValue);
    const calls = [await of(name), await of(name, otherValue), await of(name), await of(name, evilValue)];
    t.deepEqual(calls, [evil + 1, evil + 2, evil + 1, evil], name);
  }
});

test('two schemes and two countries have responses of their own', async (t) => {
  const { ask: get } = await open(t, { TRUSTED_PROXIES: 'all' });
  const path = '/page?vary=country=de%2Bat|fr';
  const from = (country: string): Question => ({ path, headers: { 'section-io-geo-country-code': country } });

  const calls = [];
  for (const question of [
    from('DE'),
    from('AT'),
    from('FR'),
    from('US'),
    from('GB'),
    { path, headers: { 'x-forwarded-proto': 'https' } },
  ]) {
    calls.push(callsOf(await get(question)));
  }
  t.deepEqual(calls, [1, 1, 2, 3, 3, 4]);
});

const DECEPTIVE = [
  '/me/x.css',
  '/me;x.css',
  '/me%2fx.css',
  '/me%00.css',
  '/me%3f.css',
  '/static/..%2fme',
  '/me/style.css?x.js',
];

test('a personal page is not stored under the name of a file', async (t) => {
  let calls = 0;
  // The spellings that no function takes are answered here.
  const hop = createServer((_request, response) => response.end(`hop ${++calls}`));
  const { ask: get, edge } = await open(t, { NEXT_HOP: await listen(t, hop), CACHE: 'all' });

  for (const path of DECEPTIVE) {
    const [first, second] = [await get({ path }), await get({ path })];
    t.deepEqual([first.status, second.status], [200, 200], path);
    t.not(first.body, second.body, path);
    t.is(second.headers.age, undefined, path);
  }
  const withFragment = await edge.exchange('GET /me#x.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  t.regex(withFragment, /^HTTP\/1\.1 400 /);
  t.notRegex(withFragment, /cache-status/i);
});

test('errors of nexthop itself are not stored', async (t) => {
  const { ask: get, edge } = await open(t);
  const long = 'x'.repeat(40_000);

  t.is((await get({ path: '/page', headers: { 'x-long': long } })).status, 431);
  t.regex(
    await edge.exchange('GET /page HTTP/1.1\r\nHost: a\r\nX: a\rb\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 400/,
  );
  t.is((await get({ path: '/throws' })).status, 500);
  t.is((await get({ path: '/throws' })).headers.age, undefined);
  t.is((await get({ path: '/page', headers: { 'content-length': String(2 ** 40) } })).status, 413);
  t.is((await get({ path: '/page' })).status, 200);
});

test('a result of builder() is stored by its path, without its query', async (t) => {
  const { ask: get } = await open(t);
  const at = '/.netlify/builders/built';

  t.is((await get({ path: `${at}/a?b=1` })).body, `${at}/a1`);
  const again = await get({ path: `${at}/a?b=2` });
  t.is(again.body, `${at}/a1`);
  t.is(again.headers['cache-status'], '"Netlify Edge"; hit');
  t.is((await get({ path: `${at}/b` })).body, `${at}/b2`);
  t.is((await get({ path: `${at}/a`, method: 'POST' })).status, 405);
});

test('caches of edgeone.json are for caches in front, and of files only', async (t) => {
  const { ask: get } = await open(t);

  t.like((await get({ path: '/style.css' })).headers, { 'cdn-cache-control': 'max-age=600' });
  t.is((await get({ path: '/only' })).headers['cdn-cache-control'], undefined);
  t.deepEqual(
    [(await get({ path: '/only' })).body, (await get({ path: '/plain' })).headers['cdn-cache-control']],
    ['2', undefined],
  );
});

test('a forwarded response is stored with CACHE=all only, and is unchanged without it', async (t) => {
  let calls = 0;
  const hop = await listen(
    t,
    createServer((_request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.setHeader('Netlify-CDN-Cache-Control', 'max-age=60');
      response.end(String(++calls));
    }),
  );
  const env = { NEXT_HOP: hop };
  const standard = await open(t, env, {} as typeof FILES);
  const all = await open(t, { ...env, CACHE: 'all' }, {} as typeof FILES);

  t.deepEqual([(await standard.ask()).body, (await standard.ask()).body], ['1', '2']);
  const { headers } = await standard.ask();
  t.is(headers['netlify-cdn-cache-control'], 'max-age=60');
  t.is(headers['cache-status'], undefined);
  t.deepEqual([(await all.ask()).body, (await all.ask()).body], ['4', '4']);
  t.regex((await all.ask()).headers['cache-status'] ?? '', /^nexthop; hit; ttl=\d+$/);
});
