import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { routes } from '../../../src/cli/routes.ts';
import { readConfig } from '../../../src/config/config.ts';
import { startEdge } from '../../helpers/edge.ts';
import { runNexthop, startNexthop } from '../../helpers/process.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const PACKAGES = join(import.meta.dirname, '../../../node_modules');

/** Typical functions, one of each kind. */
const SITE = {
  'package.json': '{ "name": "shop", "private": true }',
  'tsconfig.json': '{ "compilerOptions": { "paths": { "@shared/*": ["./shared/*"] } } }',
  'netlify.toml': '[build]\n  publish = "public"\n[functions]\n  node_bundler = "esbuild"\n',
  'shared/price.ts':
    'export enum Currency { Euro = "EUR" } export const price = (of: number) => of + " " + Currency.Euro;',
  'public/index.html': 'home',
  'netlify/functions/price.mts': `
    import { Config, Context } from "@netlify/functions";
    import { price } from "@shared/price";
    import { name } from "../../package.json";
    export default async (request: Request, context: Context) => Response.json([name, price(Number(context.params.of)), context.geo.city ?? null]);
    export const config: Config = { path: "/price/:of" };`,
  'netlify/functions/app.ts': `
    import { Hono } from "hono";
    const app = new Hono().basePath("/app");
    app.get("/:id", (c) => c.text("app " + c.req.param("id")));
    export default app;
    export const config = { path: "/app/*" };`,
  'netlify/functions/express.js': `
    const express = require("express"); const serverless = require("serverless-http");
    const app = express(); app.get("/.netlify/functions/express/hi", (request, response) => response.send("express " + request.query.a));
    exports.handler = serverless(app);`,
  'netlify/functions/middy.mjs': `
    import middy from "@middy/core";
    export const handler = middy().use({ before: ({ event }) => { event.seen = "before"; } }).handler(async ({ seen }) => ({ statusCode: 200, body: "middy " + seen }));`,
  'netlify/functions/stream.ts': `
    import { stream } from "@netlify/functions"; import { Readable } from "node:stream";
    export const handler = stream(async () => ({ statusCode: 200, body: Readable.from(["str", "eam"]) }));`,
  'netlify/functions/old/old.cts':
    'exports.handler = (event, context, callback) => callback(null, { statusCode: 200, body: require("node:path").basename(__filename) });',
};

const ANSWERS = {
  '/': 'home',
  '/price/3': '["shop","3 EUR",null]',
  '/app/7': 'app 7',
  '/.netlify/functions/express/hi?a=1': 'express 1',
  '/.netlify/functions/middy': 'middy before',
  '/.netlify/functions/stream': 'stream',
  '/.netlify/functions/old': 'old.cts',
};

async function writeSite(t: ExecutionContext): Promise<string> {
  const site = await siteFolder(t, SITE);
  await symlink(PACKAGES, join(site, 'node_modules'));
  return site;
}

async function fetchAll(url: string): Promise<Record<string, string>> {
  const paths = Object.keys(ANSWERS);
  const texts = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  return Object.fromEntries(paths.map((path, index) => [path, texts[index] ?? '']));
}

test('functions of every kind respond in one site, and again from a build that was moved', async (t) => {
  const site = await writeSite(t);
  const plain = await startNexthop(t, { site });
  t.deepEqual(await fetchAll(`http://127.0.0.1:${plain.port}`), ANSWERS);
  t.notRegex(plain.output(), /warning|error/);
  plain.child.kill();
  t.is(await plain.exited, 0);

  const build = await runNexthop(t, { args: ['build', site] });
  t.is(await build.exited, 0, build.output());
  t.regex(build.output(), /compiled 6 functions/);
  const moved = await siteFolder(t);
  await rename(site, moved);

  const built = await startNexthop(t, { site: moved });
  t.deepEqual(await fetchAll(`http://127.0.0.1:${built.port}`), ANSWERS);
  t.notRegex(built.output(), /warning|error/);
});

test('with GEO=mock every client is in San Francisco, and with COUNTRY in that country', async (t) => {
  const text =
    'export default (request, { geo }) => Response.json([geo.city, geo.country]); export const config = { path: "/" };';
  const site = await siteFolder(t, { 'netlify/functions/where.js': text });
  const claim = Buffer.from('{"city":"Oslo"}').toString('base64');
  const placeWith = async (env: Readonly<Record<string, string>>) => {
    const { url, close } = await startEdge(t, { site, env });
    const answer = await (await fetch(url, { headers: { 'x-nf-geo': claim } })).json();
    await close();
    return answer;
  };

  t.deepEqual(await placeWith({}), ['Oslo', null]);
  t.deepEqual(await placeWith({ GEO: 'mock' }), ['San Francisco', { code: 'US', name: 'United States' }]);
  t.deepEqual(await placeWith({ GEO: 'mock', COUNTRY: 'DE' }), ['Mock City', { code: 'DE', name: 'Mock Country' }]);
});

const CLAIMS = {
  'x-nf-geo': Buffer.from('{"city":"Oslo"}').toString('base64'),
  'x-nf-client-connection-ip': '203.0.113.9',
  'x-nf-account-id': 'account',
  'x-nf-deploy-id': 'deploy',
  'x-nf-request-id': '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  'client-ip': '203.0.113.9',
  'x-netlify-event': 'deploy_succeeded',
  'x-netlify-original-pathname': '/admin',
};

const SEEN = `export default ({ headers }, { geo, ip, account, deploy, requestId }) =>
  Response.json([geo, ip, account.id, deploy.id, requestId, headers.get('client-ip'), headers.get('x-netlify-event'), headers.get('x-netlify-original-pathname')]);
  export const config = { path: "/" };`;

test('headers of the platform that an untrusted client sends reach no function', async (t) => {
  const site = await siteFolder(t, { 'netlify/functions/seen.js': SEEN });
  const { url } = await startEdge(t, { site, env: { TRUSTED_PROXIES: 'none' } });

  const answer = await fetch(url, { headers: CLAIMS });

  const requestId = answer.headers.get('x-nf-request-id') ?? '';
  t.regex(requestId, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  t.not(requestId, CLAIMS['x-nf-request-id']);
  const [geo, ip, account, deploy, id, clientIp, event, original] = (await answer.json()) as unknown[];
  t.deepEqual([geo, ip, account, deploy, id], [{}, '127.0.0.1', '', '', requestId]);
  t.deepEqual([clientIp, event, original], [null, null, null]);
});

test('the routes command shows which function is called first if both platforms have one for a path, and what the other gets', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/pets/[id].js': 'export const onRequest = () => new Response("edgeone");',
    'netlify/functions/pets.js':
      'export default () => {}; export const config = { path: "/pets/:name", method: "GET" };',
  });
  const lines: string[] = [];

  await routes(readConfig({ site, env: {} }), (line) => lines.push(line));

  t.deepEqual(
    lines.filter((line) => line.includes('/pets')).map((line) => line.trim().split(/ {2,}/)),
    [
      ['2', 'GET', '/pets/:name', 'netlify/functions/pets.js', 'netlify', 'modern'],
      ['3', 'any', '/pets/:id', 'cloud-functions/pets/[id].js', 'edgeone'],
      [
        'cloud-functions/pets/[id].js warning: never answers GET /pets/:id: netlify/functions/pets.js answers first; remove one of the two, or give it another path',
      ],
    ],
  );
});
