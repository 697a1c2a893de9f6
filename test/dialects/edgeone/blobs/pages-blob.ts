import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

/** Runs the text of the request as the body of an async function with the package's exports. */
const FUNCTION = `import * as blob from '@edgeone/pages-blob';
export async function onRequest({ request }) {
  const AsyncFunction = (async () => {}).constructor;
  const code = await request.text();
  try {
    return Response.json({ value: (await new AsyncFunction('blob', code)(blob)) ?? null });
  } catch (error) {
    return Response.json({ error: { message: error.message, name: error.name, code: error.code, kind: error.constructor.name } });
  }
}`;

const FILES = {
  'cloud-functions/run.js': FUNCTION,
  'edge-functions/edge.js': FUNCTION,
  'agents/agent.js': FUNCTION.replace('await request.text()', 'request.body'),
};

/** Code, and its value or the code of its error. */
const ROWS: readonly (readonly [code: string, expected: unknown])[] = [
  ['return blob.getStore("a").set("k", "text", { onlyIfNew: true })', null],
  [
    'return blob.getStore("a").set("k", "again", { onlyIfNew: true })',
    { code: 'PRECONDITION_FAILED', kind: 'PreconditionFailedError' },
  ],
  ['return blob.getStore({ name: "a", consistency: "strong" }).get("k")', 'text'],
  ['return blob.getStore("a").get("missing")', null],
  ['return blob.getStore("a").getMetadata("missing")', null],
  ['return blob.getStore("a").getWithHeaders("missing")', null],
  ['return blob.getStore({ name: "a", consistency: "eventual" }).get("k", { consistency: "eventual" })', 'text'],
  [
    'const { body, headers } = await blob.getStore("a").getWithHeaders("k"); return [body, headers["content-length"], headers["content-type"], headers.etag === (await blob.getStore("a").getMetadata("k")).etag]',
    ['text', '4', 'text/plain;charset=UTF-8', true],
  ],
  ['return blob.getStore("a").setJSON("k", {}, { onlyIfNew: true })', { code: 'PRECONDITION_FAILED' }],
  ['return blob.getStore("a").delete("never")', null],
  [
    'const s = blob.getStore("d"); for (const k of ["a/x", "a/y", "b"]) await s.set(k, k); const l = await s.list({ directories: true }); return [l.directories, l.blobs.map((b) => b.key)]',
    [['a/'], ['b']],
  ],
  ['return (await blob.getStore("d").list({ prefix: "a/" })).blobs.map((b) => b.key)', ['a/x', 'a/y']],
  [
    'const s = blob.getStore("e"); await s.set("a%2Fb", "1"); return [await s.get("a/b"), (await s.list()).blobs.length]',
    ['1', 1],
  ],
  ['const s = blob.getStore("e"); await s.set("100%", "x"); return s.get("100%")', 'x'],
  [
    'const s = blob.getStore("j"); await s.setJSON("k", { a: [1] }, { cacheControl: "max-age=5" }); const m = await s.getMetadata("k"); return [await s.get("k", { type: "json" }), m.contentType, m.cacheControl, m.headers["cache-control"]]',
    [{ a: [1] }, 'application/json', 'max-age=5', 'max-age=5'],
  ],
  [
    'await blob.getStore("a").set("bad", "{"); return blob.getStore("a").get("bad", { type: "json" })',
    { kind: 'SyntaxError' },
  ],
  [
    'const s = blob.getStore("t"); await s.set("k", new Blob(["b"], { type: "image/png" })); const b = await s.get("k", { type: "blob" }); return [b.type, b.size]',
    ['image/png', 1],
  ],
  [
    'const s = blob.getStore("t"); await s.set("k", new Uint8Array([7]).buffer); return [...new Uint8Array(await s.get("k", { type: "arrayBuffer" }))]',
    [7],
  ],
  [
    'const s = blob.getStore("t"); await s.set("k", new Blob(["ab"]).stream()); return new Response(await s.get("k", { type: "stream" })).text()',
    'ab',
  ],
  ['const s = blob.getStore("t"); await s.delete("k"); await s.delete("k"); return s.get("k")', null],
  ['return blob.getStore("a.b")', { code: 'INVALID_STORE_NAME', kind: 'PagesBlobError' }],
  ['return blob.getStore("x".repeat(65))', { code: 'INVALID_STORE_NAME' }],
  ['return blob.getStore("a").set("", "x")', { code: 'INVALID_KEY' }],
  ['return blob.getStore("a").set("%2Fx", "x")', { code: 'INVALID_KEY' }],
  ['return blob.getStore("a").get("../x")', { code: 'INVALID_KEY' }],
  ['return blob.getStore("a").set("x".repeat(601), "x")', { code: 'INVALID_KEY' }],
  ['return blob.getStore("a").set("/x", "x")', { code: 'INVALID_KEY' }],
  [
    `const s = blob.getStore("long");
     const keys = Array.from({ length: 1001 }, (_, at) => String(at).padStart(4, "0"));
     await Promise.all(keys.map((key) => s.set(key, "")));
     const all = await s.list();
     const first = await s.list({ paginate: false });
     const rest = await s.list({ paginate: false, cursor: first.cursor });
     const few = await s.list({ limit: 2 });
     const next = await s.list({ limit: 2, cursor: few.cursor });
     const page = ({ blobs, cursor }) => [blobs.length, cursor !== undefined];
     return [page(all), page(first), page(rest), page(few), next.blobs.map((b) => b.key), typeof all.blobs[0].etag]`,
    [[1001, false], [1000, true], [1, false], [2, true], ['0002', '0003'], 'string'],
  ],
  ['return (await blob.listStores()).stores.map((s) => s.name)', ['a', 'd', 'e', 'j', 'long']],
  ['return new blob.QuotaExceededError() instanceof blob.PagesBlobError', true],
  ['return blob.getStore("a").createUploadUrl("k")', { code: 'MISSING_ENVIRONMENT' }],
];

test.serial('@edgeone/pages-blob works in functions without a change, and without being installed', async (t) => {
  const { url, edge } = await startEdge(t, { site: await siteFolder(t, FILES), env: { STORE_FSYNC: '0' } });
  t.deepEqual(edge.site.problems, []);

  for (const [code, expected] of ROWS) {
    const answer = (await (await fetch(`${url}/run`, { method: 'POST', body: code })).json()) as {
      value?: unknown;
      error?: object;
    };
    if (typeof expected === 'object' && expected !== null && !Array.isArray(expected) && answer.error) {
      t.like(answer.error, expected, code);
      t.is(
        (answer.error as { name: string }).name,
        'kind' in expected && expected.kind === 'SyntaxError' ? 'SyntaxError' : 'PagesBlobError',
        code,
      );
    } else t.deepEqual(answer.value, expected, `${code} ${JSON.stringify(answer)}`);
  }
  const headers = { 'content-type': 'text/plain' };
  for (const path of ['/edge', '/agent']) {
    const body = 'return blob.getStore("a").get("k")';
    t.deepEqual(await (await fetch(url + path, { method: 'POST', headers, body })).json(), { value: 'text' }, path);
  }
});

test.serial('an upload URL takes one blob once, of its type, before the middleware', async (t) => {
  const site = await siteFolder(t, {
    ...FILES,
    'cloud-functions/url.js': `import { getStore } from '@edgeone/pages-blob';
      export const onRequest = async ({ request }) => getStore('up').createUploadUrl('a b/ü', Object.fromEntries(new URL(request.url).searchParams));`,
    'middleware.js':
      'export const config = { matcher: "/.well-known/:path*" }; export const middleware = () => new Response("no", { status: 401 });',
  });
  const { url } = await startEdge(t, { site, env: { SITE_URL: 'https://site.example', STORE_FSYNC: '0' } });
  const create = async (): Promise<string> => {
    const created = (await (await fetch(`${url}/url?contentType=image/png`)).json()) as {
      url: string;
      key: string;
      expiresAt: number;
    };
    t.is(created.key, 'a b/ü');
    t.true(created.url.startsWith('https://site.example/.well-known/nexthop/upload/'));
    t.true(Math.abs(created.expiresAt - Date.now() / 1000 - 3600) < 600);
    return url + created.url.slice('https://site.example'.length);
  };
  const send = async (to: string, type = 'image/png', method = 'PUT'): Promise<number> =>
    (await fetch(to, { method, headers: { 'content-type': type }, body: 'pixels' })).status;

  const first = await create();
  t.is(await send(first, 'text/html'), 403);
  t.is(await send(first, 'image/png', 'POST'), 403);
  t.is(await send(first.replace('%3Aup', '%3Aother')), 403);
  t.is(await send(first.replace(/expires=\d+/, 'expires=9999999999')), 403);
  t.is(await send(first), 200);
  t.is(await send(first), 403);
  const body =
    'const s = blob.getStore("up"); return [await s.get("a b/ü"), (await s.getMetadata("a b/ü")).contentType]';
  t.deepEqual(await (await fetch(`${url}/run`, { method: 'POST', body })).json(), { value: ['pixels', 'image/png'] });
});

test.serial('an upload URL that has expired stores nothing, and one for a blob that is too large is 413', async (t) => {
  const site = await siteFolder(t, {
    ...FILES,
    'cloud-functions/url.js': `import { getStore } from '@edgeone/pages-blob';
      export const onRequest = ({ request }) => getStore('up').createUploadUrl('key', { expireSeconds: Number(request.query.seconds) });`,
  });
  const env = { SITE_URL: 'https://site.example', STORE_FSYNC: '0', BLOBS_OBJECT_LIMIT: '5' };
  const { url } = await startEdge(t, { site, env });
  const send = async (seconds: number, body: string): Promise<number> => {
    const created = (await (await fetch(`${url}/url?seconds=${seconds}`)).json()) as { readonly url: string };
    return (await fetch(created.url.replace('https://site.example', url), { method: 'PUT', body })).status;
  };

  // It ends within the second in which it is made.
  t.is(await send(0.001, 'small'), 403);
  t.is(await send(60, 'larger'), 413);
  const get = 'return blob.getStore("up").get("key")';
  t.deepEqual(await (await fetch(`${url}/run`, { method: 'POST', body: get })).json(), { value: null });
  t.is(await send(60, 'small'), 200);
});

test.serial('a blob beyond BLOBS_LIMIT is a QuotaExceededError', async (t) => {
  const { url } = await startEdge(t, {
    site: await siteFolder(t, FILES),
    env: { STORE_FSYNC: '0', BLOBS_LIMIT: '10' },
  });
  const run = async (body: string): Promise<unknown> => (await fetch(`${url}/run`, { method: 'POST', body })).json();

  t.deepEqual(await run('return blob.getStore("a").set("k", "1234")'), { value: null });
  t.like(await run('return blob.getStore("a").set("l", "x".repeat(10))'), {
    error: { name: 'PagesBlobError', kind: 'QuotaExceededError' },
  });
  t.deepEqual(await run('return blob.getStore("a").get("l")'), { value: null });
});

test.serial('a store with a token and a project is that of the installed package', async (t) => {
  const { url } = await startEdge(t, {
    site: await siteFolder(t, {
      ...FILES,
      'node_modules/@edgeone/pages-blob/package.json':
        '{ "name": "@edgeone/pages-blob", "type": "module", "exports": "./index.js" }',
      'node_modules/@edgeone/pages-blob/index.js':
        'export const getStore = (options) => ({ get: async (key) => [options, key] });',
    }),
    env: { STORE_FSYNC: '0' },
  });
  const run = async (body: string): Promise<unknown> => (await fetch(`${url}/run`, { method: 'POST', body })).json();

  const options = { name: 'a', projectId: 'p', token: 't' };
  t.deepEqual(await run(`return blob.getStore(${JSON.stringify(options)}).get("k")`), { value: [options, 'k'] });
  t.deepEqual(await run('return blob.getStore({ name: "a", token: "t" }).get("k")'), { value: null });
});
