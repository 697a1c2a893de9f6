import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { codingOrigin, getRaw } from '../helpers/coding-origin.ts';
import { HOSTS, startHost } from '../helpers/host-servers.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const PAGE = Buffer.from('<p>a page that the origin compresses</p>\n'.repeat(300));

const WAYS = { itself: 'r', copy: 'new Response(r.body, r)', text: 'new Response(await r.text(), r)' };

for (const [name, host] of Object.entries(HOSTS)) {
  test(`a response that a function fetched arrives decoded in ${name}, whose globals are not changed`, async (t) => {
    const { fetch } = globalThis;
    const origin = await codingOrigin(t, PAGE);
    const files = Object.entries(WAYS).map(([path, answer]) => [
      `cloud-functions/${path}/[coding].js`,
      `export async function onRequest({ params }) { const r = await fetch('${origin.url}/' + params.coding); return ${answer}; }`,
    ]);
    const { url } = await startHost(t, host, { site: await siteFolder(t, Object.fromEntries(files)) });

    for (const path of Object.keys(WAYS)) {
      for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
        const { status, headers, body } = await getRaw(`${url}/${path}/${coding}`);
        t.is(status, 200);
        t.is(headers['content-encoding'], undefined, `${path} ${coding}`);
        t.true(body.equals(PAGE), `${path} ${coding}`);
      }
    }
    t.is(globalThis.fetch, fetch);
  });

  test(`the body of an app in ${name} must match its Content-Length`, async (t) => {
    const site = await siteFolder(t, {
      'cloud-functions/app/[[default]].js': `import express from 'express'; const app = express();
        app.get('/long', (request, response) => { response.setHeader('Content-Length', 3); response.end('abcdef'); });
        app.get('/short', (request, response) => { response.writeHead(200, { 'Content-Length': 9 }); response.end('abc'); });
        app.get('/fit', (request, response) => { response.setHeader('Content-Length', 3); response.end('abc'); });
        export default app;`,
    });
    await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));
    const { url } = await startHost(t, host, { site });

    const long = await getRaw(`${url}/app/long`);
    t.is(long.status, 500);
    t.regex(String(long.body), /function_bad_answer/);
    await t.throwsAsync(getRaw(`${url}/app/short`));
    t.is(String((await getRaw(`${url}/app/fit`)).body), 'abc');
  });
}
