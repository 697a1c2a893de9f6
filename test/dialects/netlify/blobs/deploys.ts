import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getDeployStore } from '@netlify/blobs';
import test, { type ExecutionContext } from 'ava';
import { build } from '../../../../src/cli/build.ts';
import { readConfig } from '../../../../src/config/config.ts';
import type { BlobStorage } from '../../../../src/contract/blob-storage.ts';
import { deleteReplacedDeploys } from '../../../../src/dialects/netlify/blobs/deploys.ts';
import { NetlifyBlobs } from '../../../../src/dialects/netlify/blobs/netlify-blobs.ts';
import type { Invocation } from '../../../../src/dialects/netlify/call/invocation.ts';
import { startBlobsSite, USES_BLOBS } from '../../../helpers/blobs-site.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { ready, recordingLog, sqliteFolder } from '../../../helpers/sqlite-store.ts';
import { untilResult } from '../../../helpers/until-result.ts';

const FILES = {
  '.netlify/blobs/deploy/posts/1.md': 'first',
  '.netlify/blobs/deploy/posts/$1.md.json': '{"title":"é"}',
  '.netlify/blobs/deploy/plain': 'plain',
  '.netlify/v1/blobs/deploy/a/b/blob': 'of a framework',
  '.netlify/v1/blobs/deploy/a/b/blob.meta.json': '{"metadata":{"a":1}}',
};

test.serial('files of a build are in the deploy store, with their metadata', async (t) => {
  await startBlobsSite(t, FILES);
  const store = getDeployStore();

  t.like(await store.getWithMetadata('posts/1.md', { type: 'text' }), { data: 'first', metadata: { title: 'é' } });
  t.like(await store.getWithMetadata('a/b', { type: 'text' }), { data: 'of a framework', metadata: { a: 1 } });
  t.deepEqual(
    (await store.list()).blobs.map(({ key }) => key),
    ['a/b', 'plain', 'posts/1.md'],
  );
});

test.serial('after a reload with other code or files the deploy store is another one', async (t) => {
  const { edge, site } = await startBlobsSite(t, FILES);
  await getDeployStore().set('own', 'x');

  await edge.reload();
  t.is(await getDeployStore().get('own', { type: 'text' }), 'x');
  await writeFile(join(site, '.netlify/blobs/deploy/plain'), 'changed');
  await edge.reload();
  t.falsy(await getDeployStore().get('own', { type: 'text' }));
  t.is(await getDeployStore().get('plain', { type: 'text' }), 'changed');
  await writeFile(join(site, 'netlify/functions/blob.mjs'), `${USES_BLOBS} export const other = 1;`);
  await getDeployStore().set('own', 'x');
  await edge.reload();
  t.falsy(await getDeployStore().get('own', { type: 'text' }));
});

test.serial('metadata that is no JSON object is an error of nexthop build', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/a.mjs': 'export default () => new Response()',
    '.netlify/blobs/deploy/a': 'x',
    '.netlify/blobs/deploy/$a.json': '{ broken',
    '.netlify/blobs/deploy/b': 'x',
    '.netlify/blobs/deploy/$b.json': '[]',
  });
  const lines: string[] = [];

  t.is(await build(readConfig({ site, env: {} }), (line) => lines.push(line)), 1);

  t.regex(lines.join('\n'), /error +\.netlify\/blobs\/deploy\/\$a\.json is no metadata of a blob: /);
  t.regex(
    lines.join('\n'),
    /error +\.netlify\/blobs\/deploy\/\$b\.json is no metadata of a blob: it must be an object/,
  );
});

async function openStorage(t: ExecutionContext): Promise<BlobStorage> {
  return (await ready((await sqliteFolder(t)).open())).blobs({ objectBytes: 2 ** 20, totalBytes: 0 });
}

function openBlobs(storage: BlobStorage): NetlifyBlobs {
  return new NetlifyBlobs({ storage, site: 'site', region: 'r', captures: false, log: recordingLog([]), graceMs: 0 });
}

const INVOCATION = {} as Invocation; // the functions below do not look at it
const RESPONSE = { status: 204, headers: [], body: null, bodyUsed: false };

test.serial('the stores of a deploy are removed after its last call', async (t) => {
  const storage = await openStorage(t);
  const blobs = openBlobs(storage);
  const gate = Promise.withResolvers<void>();
  const first = blobs.use('first', []).connect(async () => {
    await gate.promise;
    return RESPONSE;
  });
  await storage.put('deploy:first', 'key', Buffer.from('x'));
  await storage.put('deploy:first:named', 'key', Buffer.from('x'));
  await storage.put('site:things', 'key', Buffer.from('x'));
  const call = first(INVOCATION);

  const second = blobs.use('second', []);
  await second.connect(async () => RESPONSE)(INVOCATION);
  t.deepEqual((await storage.listStores('deploy:first')).stores, ['deploy:first', 'deploy:first:named']);
  gate.resolve();
  await call;

  await untilResult(
    () => storage.listStores('deploy:'),
    ({ stores }) => stores.length === 0,
  );
  t.deepEqual((await storage.listStores('site:')).stores, ['site:things']);
});

test.serial('a deploy whose code goes on after a refused reload keeps its stores', async (t) => {
  const storage = await openStorage(t);
  const blobs = openBlobs(storage);
  const first = blobs.use('first', []).connect(async () => RESPONSE);
  await storage.put('deploy:first', 'key', Buffer.from('x'));
  await storage.put('deploy:refused', 'key', Buffer.from('x'));

  // The call begins before the end of the grace period of the first deploy, which is zero here.
  blobs.use('refused', []);
  await first(INVOCATION);

  await untilResult(
    () => storage.listStores('deploy:'),
    ({ stores }) => stores.length === 1,
  );
  t.deepEqual((await storage.listStores('deploy:')).stores, ['deploy:first']);
});

test.serial('deploys of other processes are removed a day after their code was replaced', async (t) => {
  const storage = await openStorage(t);
  for (const id of ['old', 'mine']) await storage.put(`deploy:${id}:a`, 'key', Buffer.from('x'));
  const hour = 3_600_000;

  await deleteReplacedDeploys(storage, 'mine');
  await deleteReplacedDeploys(storage, 'mine', Date.now() + 23 * hour);
  t.deepEqual((await storage.listStores('deploy:')).stores, ['deploy:mine:a', 'deploy:old:a']);
  // The old code runs again, e.g. after a rollback.
  await deleteReplacedDeploys(storage, 'old', Date.now() + 23 * hour);
  await deleteReplacedDeploys(storage, 'mine', Date.now() + 25 * hour);
  t.deepEqual((await storage.listStores('deploy:')).stores, ['deploy:mine:a', 'deploy:old:a']);

  await deleteReplacedDeploys(storage, 'mine', Date.now() + 25 * hour);
  t.deepEqual((await storage.listStores('deploy:')).stores, ['deploy:mine:a']);
});
