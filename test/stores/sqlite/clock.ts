import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { SqliteQueue } from '../../../src/stores/sqlite/queue.ts';
import { StateThread } from '../../../src/stores/sqlite/state-thread.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/prepare-store.ts';
import { type SettableClock, settableClock } from '../../helpers/settable-clock.ts';
import { ready, recordingLog, type SqliteFolder, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

const HOUR_MS = 3_600_000;

/** Opens a queue on the file of a folder. Its thread and this process use the clock until the test ends. */
async function openWith(
  t: ExecutionContext,
  { file }: SqliteFolder,
  { threadEntry }: SettableClock,
): Promise<SqliteQueue> {
  const setup = { file, fsync: false, log: recordingLog([]), onChange: () => {}, entry: threadEntry };
  const thread = new StateThread(setup);
  t.teardown(() => thread.close());
  const queue = new SqliteQueue(thread);
  const isReady = () =>
    queue.ledger.counts().then(
      () => true,
      () => false,
    );
  await untilResult(isReady, Boolean);
  return queue;
}

/** Sets the clock of this process, which callers of a queue use. */
async function setAll(t: ExecutionContext, clock: SettableClock, aheadMs: number): Promise<void> {
  await clock.set(aheadMs);
  const right = Date.now;
  Date.now = () => right() + aheadMs;
  t.teardown(() => {
    Date.now = right;
  });
}

for (const [where, aheadMs] of [
  ['forward', 2 * HOUR_MS],
  ['back', -2 * HOUR_MS],
] as const) {
  test.serial(`a clock that is set ${where} by two hours ends no lease, in this or another process`, async (t) => {
    const folder = await sqliteFolder(t);
    const clock = await settableClock(t);
    const queue = await openWith(t, folder, clock);
    const id = await queue.push(newJob());
    const claim = await claimSoon(queue);

    await setAll(t, clock, aheadMs);
    const later = await openWith(t, folder, clock);

    for (const each of [queue, later]) {
      t.is(await each.claim(['mail'], LONG_LEASE_MS), undefined);
      const record = await each.ledger.find(id);
      t.is(record?.state, 'running');
      const leftMs = (record?.leaseEndsAtMs ?? 0) - Date.now();
      t.true(leftMs > 0 && leftMs <= LONG_LEASE_MS, `${leftMs} ms`);
    }
    t.true(await later.extend(claim, LONG_LEASE_MS));
    t.true(await queue.done(claim));
  });

  test.serial(`a clock that is set ${where} by two hours delays no job, and makes none due too early`, async (t) => {
    const folder = await sqliteFolder(t);
    const clock = await settableClock(t);
    const queue = await openWith(t, folder, clock);
    const before = await queue.push(newJob());
    await queue.push(newJob({ dueAtMs: Date.now() + HOUR_MS }));

    await setAll(t, clock, aheadMs);
    const after = await queue.push(newJob());
    await queue.push(newJob({ dueAtMs: Date.now() + HOUR_MS }));

    t.is((await queue.claim(['mail'], LONG_LEASE_MS))?.job.id, before);
    t.is((await queue.claim(['mail'], LONG_LEASE_MS))?.job.id, after);
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
    for (const record of await queue.ledger.list({ state: 'waiting', limit: 10 })) {
      const inMs = record.dueAtMs - Date.now();
      t.true(inMs > HOUR_MS - 60_000 && inMs <= HOUR_MS, `${inMs} ms`);
      t.true(record.pushedAtMs <= Date.now() && record.pushedAtMs > Date.now() - 60_000);
    }
  });

  test.serial(`a lease that is not extended ends after its length, although the clock was set ${where}`, async (t) => {
    const folder = await sqliteFolder(t);
    const clock = await settableClock(t);
    const queue = await openWith(t, folder, clock);
    const id = await queue.push(newJob());
    await claimSoon(queue, { leaseMs: 300 });

    await setAll(t, clock, aheadMs);

    t.like((await claimSoon(queue)).job, { id, attempts: 2, vanished: 1 });
  });
}

/** Changes the running jobs as if the clock had been ahead by `ms` when they were claimed. */
function wasAhead({ file }: SqliteFolder, ms: number): void {
  const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
  database.prepare('UPDATE jobs SET lease_ends_at = lease_ends_at + ? WHERE lease IS NOT NULL').run(ms);
  database.close();
}

test.serial('a lease that was taken before the clock was set back a day does not last a day', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  const id = await queue.push(newJob());
  await claimSoon(queue);
  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

  wasAhead(folder, 24 * 3_600_000);

  t.is((await queue.ledger.find(id))?.state, 'waiting');
  t.like(await queue.ledger.counts(), { waiting: 1, running: 0 });
  t.like((await claimSoon(queue)).job, { id, attempts: 2 });
});

test.serial('a clock that is corrected by less than a lease ends no lease', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  const id = await queue.push(newJob());
  const claim = await claimSoon(queue);

  wasAhead(folder, LONG_LEASE_MS / 2);

  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
  t.is((await queue.ledger.find(id))?.state, 'running');
  t.true(await queue.done(claim));
});
