import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const MATCHERS = [
  {
    regexp: '^(?:\\/(_next\\/data\\/[^/]{1,}))?\\/(next|rewrite|blocked)(\\.json)?[\\/#\\?]?$',
    originalSource: '/(next|rewrite|blocked)',
  },
  {
    regexp:
      '^(?:\\/(_next\\/data\\/[^/]{1,}))?\\/admin(?:\\/((?:[^\\/#\\?]+?)(?:\\/(?:[^\\/#\\?]+?))*))?(\\.json)?[\\/#\\?]?$',
    originalSource: '/admin/:path*',
  },
];

/** A middleware as Next.js compiles it for its edge runtime: two files that share globals. */
const WEBPACK = 'self.webpackChunk_N_E = self.webpackChunk_N_E || [];';
const MIDDLEWARE = `_ENTRIES['middleware_middleware'] = { default: async ({ request }) => {
  const url = new URL(request.url);
  const headers = new Headers();
  if (url.pathname === '/next') headers.set('x-middleware-next', '1');
  if (url.pathname === '/rewrite') headers.set('x-middleware-rewrite', new URL('/target', url).href);
  const isGoingOn = headers.has('x-middleware-next') || headers.has('x-middleware-rewrite');
  const response = isGoingOn ? new Response(null, { headers }) : new Response('blocked by ' + process.env.FROM_BUILD, { status: 403 });
  return { response, waitUntil: Promise.resolve() };
} };`;

/** What the adapter of Netlify asks of a build. */
interface BuildParts {
  readonly edge?: object;
  readonly node?: object;
}

/** Writes the edge functions of a build with the published adapter. */
async function adapt(site: string, { edge = {}, node = {} }: BuildParts): Promise<void> {
  const main = createRequire(import.meta.url).resolve('@netlify/plugin-nextjs');
  const pluginDir = join(dirname(main), '..');
  const { createEdgeHandlers } = await import(pathToFileURL(join(pluginDir, 'dist/build/functions/edge.js')).href);
  await createEdgeHandlers({
    pluginDir,
    edgeFunctionsDir: join(site, '.netlify/edge-functions'),
    standaloneDir: join(site, '.next/standalone'),
    nextDistDir: '.next',
    publishDir: join(site, '.next'),
    buildConfig: { basePath: '', i18n: null, trailingSlash: false },
    pluginName: '@netlify/plugin-nextjs',
    pluginVersion: '5.16.0',
    getMiddlewareManifest: async () => ({ middleware: edge }),
    getFunctionsConfigManifest: async () => ({ functions: node }),
  });
}

/** Answers with the path of each request. */
async function startSite(t: ExecutionContext, site: string) {
  const hop = await scriptedHop(t, async (peer) => {
    const [, path = ''] = (await peer.readHead()).split(' ');
    peer.end(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });
  const ask = async (path: string): Promise<string> => {
    const text = await edge.exchange(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    return `${text.split(' ')[1]} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`;
  };
  return { edge, ask };
}

test('a middleware of Next.js runs as its adapter for Netlify writes it', async (t) => {
  const site = await siteFolder(t, {
    '.next/standalone/.next/server/edge-runtime-webpack.js': WEBPACK,
    '.next/standalone/.next/server/middleware.js': MIDDLEWARE,
  });
  const files = ['server/edge-runtime-webpack.js', 'server/middleware.js'];
  const middleware = { name: 'middleware', files, env: { FROM_BUILD: 'the build' }, wasm: [], matchers: MATCHERS };
  await adapt(site, { edge: { '/': middleware } });
  const { edge, ask } = await startSite(t, site);

  t.deepEqual(edge.edge.site.problems, []);
  t.is(await ask('/next'), '200 /next');
  t.is(await ask('/rewrite'), '200 /target');
  const rewritten = await edge.exchange('GET /rewrite HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.deepEqual(rewritten.match(/x-middleware.*/gi), ['x-middleware-rewrite: /target']);
  t.is(await ask('/blocked'), '403 blocked by the build');
  t.is(await ask('/%61dmin/a/b'), '403 blocked by the build');
  t.is(await ask('/other'), '200 /other');
});

test('a middleware of Next.js for Node runs as its adapter for Netlify writes it', async (t) => {
  const site = await siteFolder(t, {
    '.next/standalone/.next/server/middleware.js': `const { text } = require('./chunks/a.js');
      module.exports = async ({ request }) => ({
        response: new Response(text + require('node:path').basename(request.url), { status: 403 }),
        waitUntil: Promise.resolve(),
      });`,
    '.next/standalone/.next/server/chunks/a.js': 'exports.text = "chunk ";',
    '.next/server/middleware.js.nft.json': '{ "version": 1, "files": ["chunks/a.js"] }',
  });
  await adapt(site, { node: { '/_middleware': { runtime: 'nodejs', matchers: [{ regexp: '^/.*$' }] } } });
  const { edge, ask } = await startSite(t, site);

  t.deepEqual(edge.edge.site.problems, []);
  t.is(await ask('/a/b'), '403 chunk b');
});

/** The form of `.netlify/edge-functions` in @netlify/plugin-nextjs 5: one function with a declaration for each matcher, in a folder with modules of its own. */
test('the manifest of a framework may declare a function several times, by patterns with anchors', async (t) => {
  const name = '___netlify-edge-handler-middleware';
  const declared = { function: name, name: 'Next.js Middleware Handler', generator: '@netlify/plugin-nextjs@5.16.0' };
  const functions = MATCHERS.map(({ regexp }) => ({ ...declared, pattern: regexp }));
  const folder = `.netlify/edge-functions/${name}`;
  const site = await siteFolder(t, {
    '.netlify/edge-functions/manifest.json': JSON.stringify({ version: 1, functions }),
    [`${folder}/${name}.js`]: `import { toResponse } from './edge-runtime/middleware.ts';
      import handler from './server/middleware.js';
      export default (request) => toResponse(request, handler);`,
    [`${folder}/edge-runtime/middleware.ts`]: `import matchers from './matchers.json' with { type: 'json' };
      export const toResponse = async (request: Request, handler: (url: string) => Promise<string>) =>
        new Response(matchers.length + (await handler(request.url)));`,
    [`${folder}/edge-runtime/matchers.json`]: '["a", "b"]',
    [`${folder}/server/middleware.js`]: `var _ENTRIES = {};
      self._ENTRIES = _ENTRIES;
      _ENTRIES.middleware = Promise.resolve({ default: async (url) => new URL(url).pathname });
      Deno.cwd = () => '';
      export default await _ENTRIES.middleware.then(({ default: handler }) => handler);`,
  });
  const { edge, ask } = await startSite(t, site);

  t.deepEqual(edge.edge.site.problems, []);
  t.is(await ask('/next'), '200 2/next');
  t.is(await ask('/admin/x'), '200 2/admin/x');
  t.is(await ask('/nextt'), '200 /nextt');
});

/** The form of `.netlify/v1/edge-functions` in @astrojs/netlify 8. */
test('a middleware of Astro runs as its adapter for Netlify writes it', async (t) => {
  const folder = '.netlify/v1/edge-functions/middleware';
  const site = await siteFolder(t, {
    [`${folder}/entry.mjs`]: 'throw new Error("only its bundle is a function");',
    [`${folder}/middleware.mjs`]: `import process from "node:process";
      var middleware_default = async (request, context) => {
        if (new URL(request.url).pathname === "/private") return new Response("no", { status: 401 });
        request.headers.set("x-astro-locals", JSON.stringify({ ip: context.ip, on: typeof process.version }));
        return context.next();
      };
      var config = {
        name: "Astro Middleware",
        generator: "@astrojs/netlify@8.2.6",
        path: "/*",
        excludedPath: ["/_astro/*", "/.netlify/images/*"]
      };
      export { config, middleware_default as default };`,
    'public/_astro/a.css': 'css',
    'netlify/functions/ssr.mjs': `export default (request) => new Response(request.headers.get('x-astro-locals'));
      export const config = { path: '/*' };`,
  });
  const { edge, ask } = await startSite(t, site);

  t.deepEqual(edge.edge.site.problems, []);
  t.is(await ask('/private'), '401 no');
  t.is(await ask('/page'), '200 {"ip":"127.0.0.1","on":"string"}');
  t.is(await ask('/_astro/x'), '200 ');
});
