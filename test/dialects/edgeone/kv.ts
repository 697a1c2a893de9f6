import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { startEdge } from '../../helpers/edge.ts';
import { runNexthop } from '../../helpers/process.ts';
import { silentPort } from '../../helpers/silent-port.ts';
import { siteFolder } from '../../helpers/site-folder.ts';
import { sqliteFolder } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

test('a namespace is a global in all code of the site, and its values persist after the server ends', async (t) => {
  const { dataDir } = await sqliteFolder(t);
  const site = await siteFolder(t, {
    'cloud-functions/put.js': `const atLoad = typeof first_kv.put;
      export async function onRequest() { await first_kv.put('greeting', 'hello'); return new Response(atLoad); }`,
    'cloud-functions/get.js': `export const onRequest = async () => new Response(await first_kv.get('greeting'));`,
    'netlify/functions/same.js': `export default async () => new Response(await first_kv.get('greeting'));
      export const config = { path: '/same' };`,
    'middleware.js': `export async function middleware({ next }) {
      return next({ headers: { 'x-seen': String(await other_kv.get('greeting')) } }); }`,
  });
  const env = { KV_BINDINGS: 'first_kv,other_kv', DATA_DIR: dataDir, STORE_FSYNC: '0' };
  const first = await startEdge(t, { site, env });
  const put = () => fetch(`${first.url}/put`);
  t.is(await (await untilResult(put, ({ status }) => status === 200)).text(), 'function');
  await first.edge.reload();
  await first.close();

  const second = await startEdge(t, { site, env });
  const got = await untilResult(
    () => fetch(`${second.url}/get`),
    ({ status }) => status === 200,
  );

  t.is(await got.text(), 'hello');
  t.is(await (await fetch(`${second.url}/same`)).text(), 'hello', 'functions of Netlify get it too');
  t.is(got.headers.get('x-seen'), 'null', 'another namespace has none of its keys');
});

test('a function that does not catch store_unavailable answers 503, and one that catches it gets a readable message', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/through.js': `export const onRequest = async () => new Response(await away_kv.get('key'));`,
    'cloud-functions/caught.js': `export const onRequest = async () => away_kv.put('key', 'x').catch((error) => new Response(error.message));`,
  });
  const redis = `redis://127.0.0.1:${await silentPort(t)}`;
  const { url } = await startEdge(t, {
    site,
    env: { KV_BINDINGS: 'away_kv', REDIS_URL: redis },
    callTimeoutMs: CALL_TIMEOUT_MS,
  });

  const through = await fetch(`${url}/through`);

  t.is(through.status, 503);
  t.regex(await through.text(), /store_unavailable/);
  t.regex(await (await fetch(`${url}/caught`)).text(), /^Redis 127\.0\.0\.1:\d+ /);
});

test('an expiry given to put is not used, and the log says so once', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/put.js': `export const onRequest = async () => {
      for (const key of ['user:1', 'a/b']) await expiring_kv.put(key, 'x', { expirationTtl: 60 });
      return (await expiring_kv.list({ prefix: 'user:' })).keys; };`,
  });
  const { url, errorLines } = await startEdge(t, { site, env: { KV_BINDINGS: 'expiring_kv', STORE_FSYNC: '0' } });
  const put = () => fetch(`${url}/put`);

  const answer = await untilResult(put, ({ status }) => status === 200);
  await put();

  t.deepEqual(await answer.json(), [{ key: 'user:1', name: 'user:1' }]);
  const lines = await untilResult(errorLines, (found) =>
    found.some(({ message }) => /third argument/.test(String(message))),
  );
  t.is(lines.filter(({ message }) => /third argument/.test(String(message))).length, 1);
});

test('an existing global with the name of a namespace is kept and reported', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': `export const onRequest = () => new Response(typeof structuredClone);`,
  });

  const { edge, url } = await startEdge(t, { site, env: { KV_BINDINGS: 'structuredClone' } });

  t.is(await (await fetch(`${url}/a`)).text(), 'function');
  t.regex(edge.site.problems[0]?.message ?? '', /^KV_BINDINGS: structuredClone is already a global/);
  t.is((await edge.reload()).state, 'exchanged');
});

test('namespaces exist when routes are only listed, and their methods reject', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': `const first = listed_kv.get('key').catch((error) => error.message);
      export const onRequest = async () => new Response(await first);`,
  });

  const listed = await runNexthop(t, { args: ['routes', site], env: { KV_BINDINGS: 'listed_kv' } });

  t.is(await listed.exited, 0, listed.output());
});
