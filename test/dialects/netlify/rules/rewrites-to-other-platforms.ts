import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startAstroEdge } from '../../../helpers/astro-edge.ts';
import { astroSite } from '../../../helpers/astro-site.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { refusingPort } from '../../../helpers/refusing-port.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const SITE = {
  _redirects: [
    '/hello/* /api/hello/:splat?from=rule 200',
    '/app/* /shop/:splat 200',
    '/both /api/both 200',
    '/chain /hello/x 200',
    '/busy /api/hello/x 503',
  ].join('\n'),
  'cloud-functions/api/hello/[name].js':
    'export const onRequestGet = ({ request, params }) => new Response(params.name + " at " + new URL(request.url).pathname + new URL(request.url).search);',
  'cloud-functions/api/both.js': 'export const onRequest = () => new Response("edgeone");',
  'netlify/functions/both.js':
    'export default () => new Response("netlify"); export const config = { path: "/api/both", method: "GET" };',
  'cloud-functions/shop/[[default]].js':
    'import express from "express"; const app = express(); app.use((request, response) => response.end("app at " + request.url)); export default app;',
};

test('a rule may rewrite to a function or an app of EdgeOne Pages, which sees the destination', async (t) => {
  const site = await siteFolder(t, SITE);
  await symlink(join(import.meta.dirname, '../../../../node_modules'), join(site, 'node_modules'));
  const edge = await startEdge(t, { site, env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}` } });

  const ofRules = edge.edge.site.problems.filter(({ file }) => file === '_redirects');
  t.deepEqual(ofRules, [
    {
      severity: 'warning',
      file: '_redirects',
      line: 4,
      message: '"/hello/x" is neither a file nor a function of this site: requests for "/chain" get 404',
    },
  ]);
  t.regex(await exchange(edge, '/hello/Ada?x=1'), /^HTTP\/1\.1 200 .*Ada at \/api\/hello\/Ada\?from=rule$/s);
  t.regex(await exchange(edge, '/app/cart'), /app at \/cart/);
  t.regex(await exchange(edge, '/both'), /netlify$/);
  t.regex(await exchange(edge, '/both', 'PUT'), /edgeone$/);
  t.regex(await exchange(edge, '/busy'), /^HTTP\/1\.1 503 .*x at /s);
  // No other method of the function, and no second rule.
  t.regex(await exchange(edge, '/hello/Ada', 'POST'), /^HTTP\/1\.1 404 /);
  t.regex(await exchange(edge, '/chain'), /^HTTP\/1\.1 404 /);
  const line = (await edge.accessLines(1))[0];
  t.like(line, { route: '/api/hello/:name' });
});

test('a rule may rewrite to a page that an Astro build renders on demand', async (t) => {
  const build = { major: 7 } as const;
  const root = await astroSite(t, build);
  await writeFile(join(root, '_redirects'), '/people/:id /users/:id 200\n/start / 200\n/none /nothing 200');

  const edge = await startAstroEdge(t, { ...build, root });

  t.regex(await (await fetch(`${edge.url}/people/7`)).text(), /User 7/);
  t.regex(await (await fetch(`${edge.url}/start`)).text(), /On demand/);
  t.is((await fetch(`${edge.url}/none`)).status, 404);
  t.deepEqual(edge.forwarded, []);
});
