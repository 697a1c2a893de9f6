import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import test from 'ava';
import { DEV_PATH } from '../../src/dev/page-path.ts';
import { browserTest, domOf } from '../helpers/browser.ts';
import { developSite } from '../helpers/dev-session.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const SITE = {
  'cloud-functions/api/orders.js': `export const onRequestPost = async ({ request }) =>
    new Response(await request.text(), { status: 201, headers: { 'x-order': '7' } });`,
  'cloud-functions/fail.js': `export const onRequest = () => { throw new Error('<b>no</b> orders'); };`,
  'netlify/functions/nightly.mjs': `export default () => { globalThis.nightlyRuns = (globalThis.nightlyRuns ?? 0) + 1; };
    export const config = { schedule: '0 3 * * *' };`,
  '.env': 'API_KEY=secret-value\n',
};

/** Sends a request with any headers, also a Host. */
function send(
  port: number,
  path: string,
  { host = '127.0.0.1', method = 'GET', headers = {}, body = '' } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const CHANGE = { method: 'POST', headers: { 'X-Nexthop-Dev': '1' } };

browserTest('the live page shows requests with headers and errors, without markup of the site', async (t) => {
  const { url } = await developSite(t, SITE);
  await fetch(`${url}/api/orders`, { method: 'POST', body: 'an order', headers: { 'x-of-client': 'Ada' } });
  await fetch(`${url}/fail?<i>`);

  const [list, detail] = await Promise.all([
    domOf(t, `${url}${DEV_PATH}#requests/1`),
    domOf(t, `${url}${DEV_PATH}#requests/2`),
  ]);

  t.regex(list, /<code>\/api\/orders<\/code>[\s\S]*201/);
  t.regex(list, /x-of-client<\/th><td>Ada<\/td>/);
  t.regex(list, /x-order<\/th><td>7<\/td>/);
  t.regex(list, /<pre>an order<\/pre>/);
  t.regex(detail, /cloud-functions\/fail\.js:1:40/);
  t.regex(detail, /Error: &lt;b&gt;no&lt;\/b&gt; orders/);
  t.notRegex(list + detail, /<b>no<\/b>|<i>/);
});

test('the page knows the routes, jobs, settings and variables of the site, and no values of variables', async (t) => {
  const { url } = await developSite(t, SITE);

  const text = await (await fetch(`${url}${DEV_PATH}/site`)).text();
  const { routes, jobs, settings, variables } = JSON.parse(text);

  t.true(
    routes.some(
      ({ pattern, file }: Record<string, string>) =>
        pattern === '/api/orders' && file === 'cloud-functions/api/orders.js',
    ),
  );
  t.deepEqual(jobs, [{ name: 'netlify/nightly', file: 'netlify/functions/nightly.mjs', schedule: '0 3 * * * UTC' }]);
  const sourceOf = (name: string) => settings.find((each: Record<string, string>) => each.name === name)?.from;
  t.deepEqual(['NEXT_HOP', 'DEV', 'PORT'].map(sourceOf), ['environment', 'nexthop dev', 'default']);
  t.deepEqual(variables, [{ name: 'API_KEY', place: '.env:1' }]);
  t.false(text.includes('secret-value'));
});

test('the page has the cached responses', async (t) => {
  const { url } = await developSite(t, {
    'cloud-functions/a.js': `export const onRequest = () =>
      new Response('cached', { headers: { 'cdn-cache-control': 'max-age=60', 'cache-tag': 'news' } });`,
  });
  // The first one shows that the function is written for a cache.
  for (let at = 0; at < 2; at++) await fetch(`${url}/a?b=1`);

  const [entry, ...others] = JSON.parse(await (await fetch(`${url}${DEV_PATH}/cache`)).text());

  t.deepEqual(others, []);
  t.like(entry, { status: 200, freshness: 'fresh', bytes: 6, tags: ['news'], target: 'cloud-functions/a.js' });
  t.is(entry.url, `${url}/a?b=1`);
});

browserTest('the views are links with their names, and what the cache answered is marked', async (t) => {
  const { url, site } = await developSite(t, {
    'netlify/functions/a.mjs': `export default () => new Response('a', { headers: { 'netlify-cdn-cache-control': 'max-age=60' } });
      export const config = { path: '/a' };`,
  });
  for (let at = 0; at < 2; at++) await (await fetch(`${url}/a`)).text();

  const dom = await domOf(t, `${url}${DEV_PATH}#requests/2`);

  t.regex(dom, /<a href="#routes" id="view-routes">Routes<small>/);
  t.regex(dom, /<a href="#requests" aria-current="page"/);
  t.regex(dom, /<a href="#requests\/2" id="request-2" title="\/a" aria-current="true">/);
  t.regex(dom, /netlify\/functions\/a\.mjs · from the cache/);
  t.regex(dom, /<th scope="row">cache<\/th><td>hit<\/td>/);
  t.regex(dom, /<aside aria-label="Request 2">/);
  t.true(dom.includes(`<p class="note" id="site" title="next hop: http://127.0.0.1:1">${site}</p>`));
  t.regex(dom, /<title>[^<]+ – nexthop dev<\/title>/);
});

test('a token in the settings is not on the page', async (t) => {
  const { url } = await developSite(t, {}, { env: { PURGE_TOKEN: 'a-secret-token' } });

  const text = await (await fetch(`${url}${DEV_PATH}/site`)).text();

  t.false(text.includes('a-secret-token'));
  t.regex(text, /"name":"PURGE_TOKEN","value":"\(set\)","from":"environment"/);
});

test('a request is sent again with its headers and body', async (t) => {
  const { url, port, session } = await developSite(t, SITE);
  await fetch(`${url}/api/orders`, { method: 'POST', body: 'an order', headers: { 'x-of-client': 'Ada' } });

  const answer = await send(port, `${DEV_PATH}/replay`, { ...CHANGE, body: '{"number":1}' });

  t.deepEqual(JSON.parse(answer.text), { status: 201 });
  await until(() => session.history.all.length === 2, 'the second request');
  const [first, second] = session.history.all;
  t.is(second?.body?.toString(), 'an order');
  t.true(second?.headers.includes('Ada'));
  t.not(second?.id, first?.id);
});

test('a schedule is run by its button', async (t) => {
  const { port } = await developSite(t, SITE);

  await send(port, `${DEV_PATH}/run`, { ...CHANGE, body: '{"rule":"netlify/nightly"}' });

  await until(() => Reflect.get(globalThis, 'nightlyRuns') === 1, 'the run');
  t.pass();
});

for (const [title, path, options, status] of [
  ['by the name of another site', '', { headers: { host: 'evil.example' } }, 403],
  ['by a name that begins like this machine', '', { headers: { host: 'localhost.evil.example' } }, 403],
  [
    'by the script of another site',
    '/requests',
    { headers: { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } },
    403,
  ],
  [
    'by a link of another site',
    '',
    { headers: { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } },
    200,
  ],
  ['by a name of this machine', '', { headers: { host: 'shop.localhost:8080' } }, 200],
] as const) {
  test(`the page is ${status === 200 ? '' : 'not '}shown if it is opened ${title}`, async (t) => {
    const { port } = await developSite(t, {});

    const answer = await send(port, DEV_PATH + path, options);

    t.is(answer.status, status);
  });
}

for (const [title, options] of [
  ['by GET', { headers: { 'X-Nexthop-Dev': '1' } }],
  ['by a form of another site', { method: 'POST', headers: {} }],
  ['from another origin', { method: 'POST', headers: { 'X-Nexthop-Dev': '1', origin: 'http://evil.example' } }],
  ['from another site', { method: 'POST', headers: { 'X-Nexthop-Dev': '1', 'sec-fetch-site': 'cross-site' } }],
  ['by a name of another site', { method: 'POST', headers: { 'X-Nexthop-Dev': '1', host: 'evil.example' } }],
] as const) {
  test(`nothing is changed ${title}`, async (t) => {
    const { url, port, session } = await developSite(t, SITE);
    await fetch(`${url}/fail`);

    const answer = await send(port, `${DEV_PATH}/clear`, options);

    t.is(answer.status, 403);
    t.is(session.history.all.length, 1);
  });
}

const [outer] = Object.values(networkInterfaces())
  .flat()
  .filter((each) => each?.family === 'IPv4' && !each.internal);

(outer ? test : test.skip)(
  `a client that is not on this machine gets nothing${outer ? '' : ' (no network here)'}`,
  async (t) => {
    const { port, session } = await developSite(t, SITE, { env: { HOST: '0.0.0.0' } });
    // From this address the connection looks as from another machine.
    const from = { host: outer?.address ?? '', headers: { host: 'localhost', 'X-Nexthop-Dev': '1' } };

    t.is((await send(port, DEV_PATH, from)).status, 403);
    t.is((await send(port, `${DEV_PATH}/requests`, from)).status, 403);
    t.is((await send(port, `${DEV_PATH}/clear`, { ...from, method: 'POST' })).status, 403);
    t.is(session.history.all.length, 0);
  },
);

for (const DEV of ['0', '1']) {
  test(`outside of nexthop dev there is no such page, with DEV=${DEV}`, async (t) => {
    const { port } = await startEdge(t, {
      site: await siteFolder(t, SITE),
      env: { DEV, NEXT_HOP: 'http://127.0.0.1:1' },
    });

    for (const path of ['', '/requests', '/site', '/generation', '/page.js']) {
      // Forwarded, as every path that the site does not answer.
      t.is((await send(port, DEV_PATH + path)).status, 502);
    }
    t.is((await send(port, `${DEV_PATH}/clear`, CHANGE)).status, 502);
  });
}
