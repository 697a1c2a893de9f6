import { existsSync } from 'node:fs';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { netlify } from '../../../../src/dialects/netlify/netlify.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { listen } from '../../../helpers/listen.ts';
import { project } from '../../../helpers/project.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A server of modules: path → text; a text that begins with a slash is a redirect. */
async function moduleServer(t: ExecutionContext, modules: Record<string, string>) {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const text = modules[url];
    if (text === undefined) response.writeHead(404).end();
    else if (text.startsWith('/')) response.writeHead(302, { Location: text }).end();
    else response.writeHead(200, { 'Content-Type': 'application/typescript' }).end(text);
  });
  return { url: await listen(t, server), asked };
}

async function vendorSite(t: ExecutionContext, url: string) {
  const opened = await project(t, {
    'netlify/edge-functions/one.ts': `import { name } from '${url}/latest';
      export default () => new Response(name); export const config = { path: '/*' };`,
  });
  const vendored = await netlify.vendor?.(opened);
  return { opened, vendored, folder: join(opened.root, '.nexthop/vendor') };
}

test('modules of URLs are stored with all that they import, and the site starts without their server', async (t) => {
  const { url, asked } = await moduleServer(t, {
    '/latest': '/v1/mod.ts',
    '/v1/mod.ts': 'export { name } from "./deep/b.ts?x=1"; import type { T } from "https://types.test/t.ts";',
    '/v1/deep/b.ts?x=1': 'export const name: string = "fetched";',
  });
  const { opened, vendored } = await vendorSite(t, url);

  t.deepEqual(vendored, {
    folder: '.nexthop/vendor',
    urls: [`${url}/v1/deep/b.ts?x=1`, `${url}/v1/mod.ts`],
    mistakes: [],
  });
  const before = asked.length;
  await netlify.vendor?.(opened);
  t.is(asked.length, before, 'what is there is not fetched again');

  const edge = await startEdge(t, { site: opened.root });
  t.true((await edge.exchange(GET)).endsWith('\r\n\r\nfetched'));
  t.is(asked.length, before);
});

test('a module with another content than the lock file names is refused, and nothing changes', async (t) => {
  const modules: Record<string, string> = { '/latest': 'export const name = "old";' };
  const { url } = await moduleServer(t, modules);
  const { opened, folder } = await vendorSite(t, url);
  const lock = await readFile(join(folder, 'lock.json'), 'utf8');
  for (const name of await readdir(folder)) if (name !== 'lock.json') await rm(join(folder, name), { recursive: true });

  modules['/latest'] = 'export const name = "other";';
  const vendored = await netlify.vendor?.(opened);

  t.regex(vendored?.mistakes.join() ?? '', /\/latest has another content than \.nexthop\/vendor\/lock\.json names/);
  t.is(await readFile(join(folder, 'lock.json'), 'utf8'), lock);
});

test('nothing is stored if a module cannot be fetched', async (t) => {
  const { url } = await moduleServer(t, { '/latest': 'export * from "./missing.ts";' });
  const { vendored, folder } = await vendorSite(t, url);

  t.deepEqual(vendored?.mistakes, [`${url}/missing.ts cannot be fetched: the server answers 404`]);
  t.false(existsSync(folder));
});

/** The smallest module of WebAssembly. */
const WASM = '\0asm\u0001\0\0\0';
const LOAD = `const url = new URL('./deep/x.wasm', import.meta.url);
  const { instance } = await WebAssembly.instantiateStreaming(fetch(url));
  export const name = String(instance);`;

test('WebAssembly beside a module of a URL is stored, and the module reads it', async (t) => {
  const { url, asked } = await moduleServer(t, {
    '/latest': '/v1/mod.ts',
    '/v1/mod.ts': LOAD,
    '/v1/deep/x.wasm': WASM,
  });
  const { opened, vendored, folder } = await vendorSite(t, url);
  t.deepEqual(vendored?.urls, [`${url}/v1/deep/x.wasm`, `${url}/v1/mod.ts`]);
  const before = asked.length;

  const edge = await startEdge(t, { site: opened.root });
  t.true((await edge.exchange(GET)).endsWith('\r\n\r\n[object WebAssembly.Instance]'));
  await netlify.vendor?.(opened);
  t.is(asked.length, before, 'what is there is not fetched again');
  await edge.close();

  const wasm = (await readdir(folder, { recursive: true })).find((file) => file.endsWith('x.wasm')) ?? '';
  await writeFile(join(folder, wasm), `${WASM}\0`);
  const changed = await startEdge(t, { site: opened.root });
  t.regex(await changed.exchange(GET), /^HTTP\/1\.1 500 /);
});

test('an edge function reads WebAssembly of its site, and no other file', async (t) => {
  const folder = await siteFolder(t, {
    'site/netlify/edge-functions/one.js': `
      import { name } from './lib/load.js';
      export default async () => {
        const read = (file) => fetch(new URL(file, import.meta.url)).then((response) => response.text(), String);
        const names = ['../../secret.txt', 'none.wasm', '../../link.wasm', '../../hidden.wasm', '../../../x.wasm'];
        const others = await Promise.all(names.map(read));
        const ofPackage = await read('../../../node_modules/p/x.wasm');
        return new Response([name, ofPackage.length, ...new Set(others)].join());
      };
      export const config = { path: '/*' };`,
    'site/netlify/edge-functions/lib/load.js': LOAD,
    'site/netlify/edge-functions/lib/deep/x.wasm': WASM,
    'site/secret.txt': 'secret',
    'x.wasm': WASM,
    'node_modules/p/x.wasm': WASM,
  });
  await symlink('../x.wasm', join(folder, 'site/link.wasm'));
  await symlink('secret.txt', join(folder, 'site/hidden.wasm'));
  const edge = await startEdge(t, { site: join(folder, 'site') });

  t.true((await edge.exchange(GET)).endsWith('\r\n\r\n[object WebAssembly.Instance],8,TypeError: fetch failed'));
});
