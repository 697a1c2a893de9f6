import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { getStore } from '@netlify/blobs';
import test, { type ExecutionContext } from 'ava';
import { CALL_TIMEOUT_MS } from '../../../../src/contract/store.ts';
import { startBlobsSite } from '../../../helpers/blobs-site.ts';
import { startRedis } from '../../../helpers/redis-server.ts';
import { untilResult } from '../../../helpers/until-result.ts';

/** The limit of a server. */
const REAL = { callTimeoutMs: CALL_TIMEOUT_MS };

/** A call is rejected within a second; more is for a busy machine. The client itself would repeat it for 25 seconds. */
const AT_ONCE_MS = 15_000;

async function assertFailsAtOnce(t: ExecutionContext, call: () => Promise<unknown>): Promise<void> {
  const startedAtMs = performance.now();
  await t.throwsAsync(call(), { message: /store_unavailable/ });
  t.true(performance.now() - startedAtMs < AT_ONCE_MS);
}

async function assertNotModified(t: ExecutionContext, call: () => Promise<unknown>): Promise<void> {
  const startedAtMs = performance.now();
  t.deepEqual(await call(), { modified: false });
  t.true(performance.now() - startedAtMs < AT_ONCE_MS);
}

test.serial('while Redis is away every call fails at once, and no write looks like a success', async (t) => {
  const redis = await startRedis(t);
  await startBlobsSite(t, {}, { REDIS_URL: redis.url, REDIS_PREFIX: randomUUID(), BLOBS_REDIS: '1' }, REAL);
  const store = getStore('things');
  const { etag = '' } = await store.set('key', 'x');
  await redis.kill();

  await assertFailsAtOnce(t, () => store.get('key'));
  await assertFailsAtOnce(t, () => store.getMetadata('key'));
  await assertFailsAtOnce(t, () => store.set('key', 'y'));
  await assertFailsAtOnce(t, () => store.setJSON('key', 'y'));
  await assertFailsAtOnce(t, () => store.list());
  await assertFailsAtOnce(t, () => store.delete('key'));
  await assertFailsAtOnce(t, () => store.deleteAll());
  await assertNotModified(t, () => store.set('new', 'y', { onlyIfNew: true }));
  await assertNotModified(t, () => store.setJSON('key', 'y', { onlyIfMatch: etag }));
});

test.serial('while another process locks the database reads work, and writes fail at once', async (t) => {
  const { site } = await startBlobsSite(t, {}, {}, REAL);
  const store = getStore('things');
  await store.set('key', 'x');
  const database = new DatabaseSync(join(site, '.nexthop/state.db'), { timeout: 5000 });
  database.exec('BEGIN IMMEDIATE');

  t.is(await store.get('key', { type: 'text' }), 'x');
  await assertFailsAtOnce(t, () => store.set('key', 'y'));
  await assertFailsAtOnce(t, () => store.set('key', 'y'.repeat(100_000)));
  await assertFailsAtOnce(t, () => store.delete('key'));
  await assertNotModified(t, () => store.set('new', 'y', { onlyIfNew: true }));
  database.exec('ROLLBACK');
  database.close();

  await untilResult(
    () => store.set('key', 'y').catch(() => undefined),
    (result) => result !== undefined,
  );
  t.is(await store.get('key', { type: 'text' }), 'y');
});
