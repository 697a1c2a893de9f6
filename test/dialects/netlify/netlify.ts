import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build } from '../../../src/cli/build.ts';
import { routes } from '../../../src/cli/routes.ts';
import { readConfig } from '../../../src/config/config.ts';
import { startEdge } from '../../helpers/edge.ts';
import { listen } from '../../helpers/listen.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const HOP_FILES: ReadonlySet<string> = new Set(['/product/1', '/hop']);

/** Responds to two paths, and with 404 to all others. */
async function startHop(t: ExecutionContext): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    response.writeHead(HOP_FILES.has(url) ? 200 : 404).end(`hop ${url}`);
  });
  return listen(t, server);
}

const PRODUCT = `
import { Config } from "@netlify/functions";
export default async (req: Request, context) => new Response("function " + context.params.sku);
export const config: Config = {
  path: ["/product/:sku", "/item/:sku"],
  preferStatic: true
};`;

test('a function with preferStatic is called for paths that neither the site nor the hop has', async (t) => {
  const site = await siteFolder(t, { 'netlify/functions/product.ts': PRODUCT, 'public/item/2.html': 'page' });
  const { url } = await startEdge(t, { site, env: { NEXT_HOP: await startHop(t) } });
  const fetchText = async (path: string, method = 'GET') => (await fetch(url + path, { method })).text();

  t.is(await fetchText('/product/1'), 'hop /product/1');
  t.is(await fetchText('/product/2'), 'function 2');
  t.is(await fetchText('/item/2'), 'page');
  t.is(await fetchText('/product/1', 'POST'), 'function 1');
  t.is(await fetchText('/hop'), 'hop /hop');
});

test('a function comes before a file of the same path', async (t) => {
  const text = 'export default () => new Response("function"); export const config = { path: "/about" };';
  const site = await siteFolder(t, { 'netlify/functions/about.ts': text, 'public/about.html': 'page' });
  const { url } = await startEdge(t, { site });

  t.is(await (await fetch(`${url}/about`)).text(), 'function');
});

test('functions of both platforms respond in one site, and a middleware of EdgeOne runs before both', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': '[[redirects]]\nfrom = "/secret/old"\nto = "/secret/new"',
    'middleware.js':
      'export function middleware({ request, next }) { return request.url.includes("secret") ? new Response("no", { status: 403 }) : next(); }',
    'cloud-functions/a.js': 'export const onRequest = () => new Response("edgeone");',
    'netlify/functions/b.js': 'export default () => new Response("netlify"); export const config = { path: "/b" };',
    'netlify/functions/c.js': 'export default () => new Response("netlify"); export const config = { path: "/a" };',
    'netlify/functions/secret.js': 'export default () => new Response("secret");',
  });
  const { url } = await startEdge(t, { site });
  const fetchText = async (path: string) => {
    const response = await fetch(url + path, { redirect: 'manual' });
    return `${response.status} ${await response.text()}`;
  };

  t.deepEqual(await Promise.all(['/b', '/a', '/.netlify/functions/secret', '/secret/old'].map(fetchText)), [
    '200 netlify',
    '200 netlify',
    '403 no',
    '403 no',
  ]);
});

test('redirects of netlify.toml redirect clients and rewrite paths to functions', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': `[[redirects]]
      from = "/old/*"
      to = "/new/:splat"
      [[redirects]]
      from = "/api/*"
      to = "/.netlify/functions/api/:splat"
      status = 200`,
    'netlify/functions/api.ts': 'export default (request: Request) => new Response(new URL(request.url).pathname);',
  });
  const { url } = await startEdge(t, { site });
  const response = await fetch(`${url}/old/a?b=1`, { redirect: 'manual' });

  t.is(response.status, 301);
  t.is(response.headers.get('location'), '/new/a?b=1');
  t.is(await (await fetch(`${url}/api/users`)).text(), '/api/users');
});

const REPORTED = {
  'netlify/functions/hello.mts': 'export default () => new Response("hello");',
  'netlify/functions/hello/index.ts': 'export default () => new Response("folder");',
  'netlify/functions/pets.mts':
    'export default () => {}; export const config = { path: ["/cats", "/Dogs"], method: "GET", name: "Pets" };',
  'netlify.toml': '[functions.mail]\nbackground = true\n[[redirects]]\nfrom = "/old"\nto = "/cats"',
  'netlify/functions/mail.js': 'exports.handler = async () => {};',
  'netlify/functions/item.ts':
    'export default () => {}; export const config = { path: "/item/:id", preferStatic: true };',
  'netlify/functions/a.b.ts': 'export default () => {};',
  'netlify/functions/later.ts': 'export default () => {}; export const config = { schedule: "@daily" };',
  'netlify/functions/lib/db.ts': 'export const db = 1;',
};

const TABLE = `
site SITE, 7 routes

routes
  order  methods  pattern                    file                              dialect  about
  1      any      /.netlify/images           images                            netlify  image CDN
  2      GET      /cats                      netlify/functions/pets.mts        netlify  modern, "Pets"
  3      GET      /Dogs                      netlify/functions/pets.mts        netlify  modern, "Pets"
  4      any      /.netlify/functions/hello  netlify/functions/hello/index.ts  netlify  modern
  5      any      /.netlify/functions/mail   netlify/functions/mail.js         netlify  Lambda, background
  6      any      /item/:id                  netlify/functions/item.ts         netlify  modern, after the next hop
  7      any      /old                       netlify.toml                      netlify  301 to /cats

jobs
  netlify/later  @daily UTC  netlify/functions/later.ts
  netlify/mail   on request  netlify/functions/mail.js
`;

async function list(site: string, json = false): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = [];
  const code = await routes(readConfig({ site, env: {} }), (line) => lines.push(line), { json });
  return { code, text: lines.join('\n') };
}

test('the routes command shows the functions of a site, its ignored files and its problems', async (t) => {
  const site = await siteFolder(t, REPORTED);

  const { code, text } = await list(site);

  t.is(code, 0);
  t.true(`\n${text}`.replace(site, 'SITE').includes(TABLE.trimEnd()), text);
  t.regex(
    text,
    /netlify\/functions\/hello\.mts +is not used: netlify\/functions\/hello\/index\.ts has the same name, hello/,
  );
  t.regex(text, /netlify\/functions\/lib +has no main file/);
  t.regex(text, /netlify\/functions\/a\.b\.ts warning: has the name "a\.b"/);
  t.regex(text, /netlify\/functions\/pets\.mts:1:\d+ warning: path has upper-case letters/);
});

test('the routes command shows the kind of each function to scripts too', async (t) => {
  const site = await siteFolder(t, REPORTED);
  const { routes: listed } = JSON.parse((await list(site, true)).text);

  t.deepEqual(
    listed.map(({ file, about }: { readonly file: string; readonly about?: string }) => [file.slice(18), about]),
    [
      ['', 'image CDN'],
      ['pets.mts', 'modern, "Pets"'],
      ['pets.mts', 'modern, "Pets"'],
      ['hello/index.ts', 'modern'],
      ['mail.js', 'Lambda, background'],
      ['item.ts', 'modern, after the next hop'],
      ['', '301 to /cats'],
    ],
  );
});

test('a site is built ahead without running a function, and started from the build until a function changes', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/hello.ts':
      "export * from '../../lib/more'; globalThis.netlifyRuns = (globalThis.netlifyRuns ?? 0) + 1; export default () => new Response('hello');",
    'lib/more.ts': 'export const more = 1;',
  });
  const lines: string[] = [];
  const config = readConfig({ site, env: {} });

  t.is(await build(config, (line) => lines.push(line)), 0);
  t.regex(lines[0] ?? '', /^compiled 1 function of /);
  t.false('netlifyRuns' in globalThis);

  const { edge, url, close } = await startEdge(t, { site });
  t.is(await (await fetch(`${url}/.netlify/functions/hello`)).text(), 'hello');
  t.deepEqual(edge.site.problems, []);
  await close();

  await writeFile(join(site, 'netlify/functions/new.ts'), 'export default () => {};');
  const { edge: later } = await startEdge(t, { site });
  t.regex(later.site.problems[0]?.message ?? '', /the build is not used/);
});

test('a build with a function without a URL is refused', async (t) => {
  const text = 'export default () => {}; export const config = { path: "cats" };';
  const site = await siteFolder(t, { 'netlify/functions/pets.ts': text });
  const lines: string[] = [];

  t.is(await build(readConfig({ site, env: {} }), (line) => lines.push(line)), 1);
  t.regex(lines.join('\n'), /error +netlify\/functions\/pets\.ts:1:\d+ path "cats" must start with "\/"/);
});
