import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { claimSoon, LONG_LEASE_MS, newJob } from '../helpers/prepare-store.ts';
import { ready, sqliteFolder } from '../helpers/sqlite-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Short enough to end during a test, long enough to be extended in time on a busy machine. */
const LEASE_MS = 600;

test('a job that runs longer than a lease runs once', async (t) => {
  const open = await embeddedStore(t);
  const [here, there] = [(await open()).queue, (await open()).queue];
  let ran = 0;
  const rule = jobRule({
    run: async () => {
      ran++;
      const startedAtMs = performance.now();
      await until(() => performance.now() - startedAtMs > 3 * LEASE_MS, 'some leases');
    },
  });
  await startWorker(t, here, [rule], { leaseMs: LEASE_MS });
  await startWorker(t, there, [rule], { leaseMs: LEASE_MS });

  const id = await here.push(newJob());

  await untilResult(
    () => here.ledger.find(id),
    (record) => record === undefined,
  );
  t.is(ran, 1);
});

test.serial(
  'a job that the store returns to the process in which it already runs continues and does not run twice',
  async (t) => {
    const { file, open } = await sqliteFolder(t);
    const { queue } = await ready(open());
    const release = Promise.withResolvers<void>();
    const ran: string[] = [];
    const rule = jobRule({
      run: async ({ payload }) => {
        ran.push(String(Buffer.from(payload)));
        if (ran.length === 1) await release.promise;
      },
    });
    await startWorker(t, queue, [rule], { leaseMs: LONG_LEASE_MS });
    const id = await queue.push(newJob({ payload: Buffer.from('long') }));
    await until(() => ran.length === 1, 'the first run');

    // As if the clock of the store had been set.
    const raw = new DatabaseSync(file, { timeout: PATIENCE_MS });
    raw.exec('UPDATE jobs SET lease_ends_at = 1 WHERE lease IS NOT NULL');
    raw.close();
    // Due later than the first, so that the first is claimed first.
    await queue.push(newJob({ payload: Buffer.from('other') }));
    await until(() => ran.includes('other'), 'the other run');
    t.like(await queue.ledger.find(id), { state: 'running', attempts: 2 });
    release.resolve();

    await untilResult(
      () => queue.ledger.counts(),
      ({ waiting, running }) => waiting + running === 0,
    );
    t.deepEqual(ran, ['long', 'other']);
  },
);

test.serial(
  'an event loop that was blocked for longer than a lease does not run the same job again beside itself',
  async (t) => {
    const { queue } = await (await embeddedStore(t))();
    let ran = 0;
    const rule = jobRule({
      run: async () => {
        ran++;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * LEASE_MS);
        // The worker polls before this ends.
        const startedAtMs = performance.now();
        await until(() => performance.now() - startedAtMs > 1300, 'a poll');
      },
    });
    await startWorker(t, queue, [rule], { leaseMs: LEASE_MS });

    const id = await queue.push(newJob());

    await untilResult(
      () => queue.ledger.find(id),
      (record) => record === undefined,
    );
    t.is(ran, 1);
  },
);

test('a job that another process has claimed is aborted, and its result is not stored', async (t) => {
  const open = await embeddedStore(t);
  const [ours, theirs] = [new SwitchedQueue((await open()).queue), (await open()).queue];
  const seen = Promise.withResolvers<AbortSignal>();
  const rule = jobRule({
    run: ({ signal }) => {
      seen.resolve(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  const { worker, logged } = await startWorker(t, ours, [rule], { leaseMs: LEASE_MS });
  const id = await ours.push(newJob());
  const signal = await seen.promise;

  ours.isOff = true;
  await claimSoon(theirs);
  ours.isOff = false;

  await until(() => signal.aborted && worker.size === 0, 'the abort');
  t.is(signal.reason.message, 'another process has claimed the job');
  t.like(await theirs.ledger.find(id), { state: 'running', attempts: 2 });
  t.like((await logged(/^another process claimed or removed a job/))[0], { level: 'warn', job: id });
});

test('the end of a job that another process has claimed is not stored', async (t) => {
  const open = await embeddedStore(t);
  const [ours, theirs] = [new SwitchedQueue((await open()).queue), (await open()).queue];
  const go = Promise.withResolvers<void>();
  const { worker, logged, lines } = await startWorker(t, ours, [jobRule({ run: () => go.promise })], {
    leaseMs: LEASE_MS,
  });
  const id = await ours.push(newJob());
  await until(() => worker.size === 1, 'the run');

  ours.isOff = true;
  await claimSoon(theirs);
  ours.isOff = false;
  go.resolve();

  t.like((await logged(/^another process claimed or removed a job/))[0], { job: id });
  t.deepEqual(await lines(/^a job is done$/), []);
  t.is((await theirs.ledger.find(id))?.state, 'running');
});

test('a job that ends during an outage keeps its lease if no other process claimed it', async (t) => {
  const { queue: real } = await (await embeddedStore(t))();
  const queue = new SwitchedQueue(real);
  let ran = 0;
  const go = Promise.withResolvers<void>();
  const rule = jobRule({
    run: async () => {
      ran++;
      await go.promise;
    },
  });
  const { worker } = await startWorker(t, queue, [rule], { leaseMs: LEASE_MS });
  const id = await queue.push(newJob());
  await until(() => worker.size === 1, 'the run');

  queue.isOff = true;
  await untilResult(
    () => real.ledger.find(id),
    (record) => record?.state === 'waiting',
  );
  queue.isOff = false;
  await untilResult(
    () => real.ledger.find(id),
    (record) => record?.state === 'running',
  );
  go.resolve();

  await untilResult(
    () => real.ledger.find(id),
    (record) => record === undefined,
  );
  t.is(ran, 1);
});
