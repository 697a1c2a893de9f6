import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { PATIENCE_MS, SOON_MS } from '../../helpers/patience.ts';
import { claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/prepare-store.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

test.serial(
  'while another process keeps the database locked, what would write is refused within a second, and reading goes on',
  async (t) => {
    const folder = await sqliteFolder(t, { callTimeoutMs: CALL_TIMEOUT_MS });
    const store = await ready(folder.open());
    const patient = await ready(folder.open(PATIENCE_MS));
    await patient.kv('a').put('key', Buffer.from('x'));
    const other = new DatabaseSync(folder.file, { timeout: PATIENCE_MS });
    other.exec('BEGIN IMMEDIATE');

    const push = async (): Promise<string> => {
      const before = performance.now();
      const fault = await t.throwsAsync(store.queue.push(newJob()));
      const tookMs = performance.now() - before;
      t.like(fault, { name: 'Fault', code: 'store_unavailable', status: 503 });
      t.true(tookMs < SOON_MS, `it took ${tookMs} ms`);
      return fault?.message ?? '';
    };

    // On a loaded machine the thread of the store may take longer than the second to say why.
    await untilResult(push, (message) => /state\.db is locked/.test(message));
    t.truthy(await patient.kv('a').get('key'));
    t.is(await patient.queue.claim(['mail'], LONG_LEASE_MS), undefined);
    t.true(
      folder.logged.some((line) => /^error: .*state\.db is locked/.test(line)),
      folder.logged.join('\n'),
    );
    other.exec('ROLLBACK');
    other.close();
  },
);

test.serial('a call that was rejected because of a lock is not executed later', async (t) => {
  const folder = await sqliteFolder(t, { callTimeoutMs: CALL_TIMEOUT_MS });
  const store = await ready(folder.open());
  const patient = await ready(folder.open(PATIENCE_MS));
  const other = new DatabaseSync(folder.file, { timeout: PATIENCE_MS });
  other.exec('BEGIN IMMEDIATE');
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.queue.push(newJob())));
  t.true(outcomes.every(({ status }) => status === 'rejected'));
  // On a loaded machine some of them may not learn why in time, which is another line.
  t.true(folder.logged.length > 0);
  t.deepEqual(folder.logged, [...new Set(folder.logged)]);

  other.exec('ROLLBACK');
  other.close();

  // Answered after all earlier calls of this store.
  await ready(store);
  const id = await patient.queue.push(newJob());
  t.deepEqual(
    (await patient.queue.ledger.list({ limit: 100 })).map((record) => record.id),
    [id],
  );
});

test.serial('a call succeeds if a lock is released in time', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  const other = new DatabaseSync(folder.file, { timeout: PATIENCE_MS });
  other.exec('BEGIN IMMEDIATE');
  setTimeout(() => {
    other.exec('ROLLBACK');
    other.close();
  }, 300);

  const id = await queue.push(newJob());

  t.is((await claimSoon(queue)).job.id, id);
});
