import test from 'ava';
import { startEdge } from '../../helpers/edge.ts';
import { complaints } from '../../helpers/error-lines.ts';
import { scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const COUNT = 'globalThis.ownFetches = (globalThis.ownFetches ?? 0) + 1;';

const LOOPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'edge function of Netlify, by a URL': {
    'netlify/edge-functions/a.js': `export default ({ url }) => { ${COUNT} return fetch(url); }; export const config = { path: '/*' };`,
  },
  'edge function of Netlify, with its request': {
    'netlify/edge-functions/a.js': `export default (request) => { ${COUNT} return fetch(request); }; export const config = { path: '/*' };`,
  },
  'function of Netlify': {
    'netlify/functions/a.mjs': `export default (request) => { ${COUNT} return fetch(new URL(request.url + 'x'), { headers: { a: 'b' } }); };
      export const config = { path: '/*' };`,
  },
  'function of Netlify, by node:http': {
    'netlify/functions/a.mjs': `import { get } from 'node:http';
      export default (request) => { ${COUNT} return new Promise((resolve, reject) => get(request.url, { headers: { a: 'b' } }, async (answer) =>
        resolve(new Response((await answer.toArray()).join(''), { status: answer.statusCode }))).on('error', reject)); };
      export const config = { path: '/*' };`,
  },
  'cloud function of EdgeOne': {
    'cloud-functions/[[all]].js': `export const onRequest = ({ request: { url } }) => { ${COUNT} return fetch(url); };`,
  },
};

for (const [what, files] of Object.entries(LOOPS)) {
  test.serial(`an endless chain of fetches ends: ${what}`, async (t) => {
    Reflect.set(globalThis, 'ownFetches', 0);
    const edge = await startEdge(t, { site: await siteFolder(t, files), env: { LOOP_LIMIT: '4' } });
    const { host } = new URL(edge.url);

    const text = await edge.exchange(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

    t.regex(text, /^HTTP\/1\.1 508 .*loop_detected/s);
    t.is(Reflect.get(globalThis, 'ownFetches'), 4);
    t.regex(
      String((await complaints(edge))[0]?.message),
      /already passed nexthop 4 times; .* a function fetch its own path/,
    );
  });
}

test('a fetch of the own host has no names of servers in front of it, but those that code passes on', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/a.mjs': `export default (request) => {
        const { headers, url } = request;
        if (url.endsWith('/last')) return new Response(headers.get('cdn-loop'));
        return fetch(new URL('/last', url), url.endsWith('/pass') ? { headers: { 'cdn-loop': headers.get('cdn-loop') } } : {});
      };
      export const config = { path: '/*' };`,
  });
  const edge = await startEdge(t, { site });
  const { host } = new URL(edge.url);
  const get = (path: string) =>
    edge.exchange(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCDN-Loop: front; a=1, nexthop\r\nConnection: close\r\n\r\n`,
    );

  t.regex(await get('/x'), /\r\n\r\nnexthop, nexthop$/);
  t.regex(await get('/pass'), /\r\n\r\nfront; a=1, nexthop, nexthop$/);
});

test('a fetch of the own host goes on to the next hop, and only it has CDN-Loop', async (t) => {
  const heads: string[] = [];
  const answer = async (peer: Parameters<Parameters<typeof scriptedHop>[1]>[0]): Promise<void> => {
    heads.push(await peer.readHead());
    peer.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  };
  const [hop, other] = [await scriptedHop(t, answer), await scriptedHop(t, answer)];
  const site = await siteFolder(t, {
    'netlify/functions/a.mjs': `export default async (request) => {
        const own = await fetch(new URL('/page', request.url), { method: 'POST', body: 'x' });
        return new Response([await own.text(), await (await fetch('${other.url}')).text()].join());
      };
      export const config = { path: '/fn' };`,
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });
  const { host } = new URL(edge.url);

  t.regex(await edge.exchange(`GET /fn HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`), /\r\n\r\nok,ok$/);
  t.regex(heads[0] ?? '', /^POST \/page .*^cdn-loop: nexthop\r$.*^cdn-loop: nexthop\r$/ims);
  t.notRegex(heads[1] ?? '', /cdn-loop/i);
});

test('a request of node:http gets CDN-Loop only for the own host, and stays as it is if its head is made already', async (t) => {
  const heads: string[] = [];
  const other = await scriptedHop(t, async (peer) => {
    heads.push(await peer.readHead());
    peer.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  });
  const site = await siteFolder(t, {
    'netlify/functions/a.mjs': `import { get } from 'node:http';
      const read = (url, options) => new Promise((resolve, reject) =>
        get(url, options, async (answer) => resolve((await answer.toArray()).join(''))).on('error', reject));
      export default async ({ url, headers }) => {
        if (url.endsWith('/last')) return new Response(headers.get('cdn-loop') ?? 'none');
        const { host } = new URL(url);
        const last = new URL('/last', url);
        const results = [await read(last, {}), await read(last, { headers: ['Host', host] }), await read('${other.url}', {})];
        return new Response(results.join());
      };
      export const config = { path: '/*' };`,
  });
  const edge = await startEdge(t, { site });
  const { host } = new URL(edge.url);

  t.regex(
    await edge.exchange(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    /\r\n\r\nnexthop,none,ok$/,
  );
  t.notRegex(heads[0] ?? '', /cdn-loop/i);
});
