import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';

test('a closing worker lets running jobs end within the grace period and claims no more', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const go = Promise.withResolvers<void>();
  const { worker, logged } = await startWorker(t, queue, [jobRule({ run: () => go.promise })], {
    functionConcurrency: 1,
  });
  const ids = [await queue.push(newJob()), await queue.push(newJob())];
  await until(() => worker.size === 1, 'the run');

  const closed = worker.close(60_000);
  go.resolve();
  await closed;

  const left = await queue.ledger.list({ limit: 10 });
  t.deepEqual(
    left.map(({ id, state, attempts }) => [id, state, attempts]),
    [[ids[1], 'waiting', 0]],
  );
  t.like((await logged(/^a job is done$/))[0], { job: ids[0] });
});

test('a job that does not end within the grace period is aborted and given back immediately, without a failure', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const seen = Promise.withResolvers<AbortSignal>();
  const rule = jobRule({
    run: ({ signal }) => {
      seen.resolve(signal);
      return new Promise(() => {});
    },
  });
  const { worker, logged } = await startWorker(t, queue, [rule]);
  const id = await queue.push(newJob());
  const signal = await seen.promise;

  await worker.close(100);

  t.is(signal.reason.message, 'the process ends; the job runs again');
  const job = await queue.ledger.find(id);
  t.like(job, { state: 'waiting', attempts: 1, failures: 0, reason: '' });
  t.true((job?.dueAtMs ?? 0) <= Date.now());
  t.like((await logged(/^a job is given back/))[0], { level: 'info', job: id });
});

test('a worker that is closed during an outage does not wait for the store', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const go = Promise.withResolvers<void>();
  const { worker } = await startWorker(t, queue, [jobRule({ run: () => go.promise })]);
  await queue.push(newJob());
  await until(() => worker.size === 1, 'the run');
  queue.isOff = true;
  go.resolve();
  await until(() => (queue.calls.done ?? 0) >= 1, 'an attempt to store the result');

  const startedAtMs = performance.now();
  await worker.close(50);

  t.true(performance.now() - startedAtMs < SOON_MS);
  t.is(worker.size, 0);
});

test('a closed worker does not call the store', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const { worker } = await startWorker(t, queue, [jobRule()]);
  await worker.close(0);
  const { claim = 0 } = queue.calls;

  await queue.push(newJob());

  const startedAtMs = performance.now();
  await until(() => performance.now() - startedAtMs > 1300, 'longer than a poll interval');
  t.is(queue.calls.claim, claim);
});

test('a job that was claimed during the close is given back', async (t) => {
  const { queue: real } = await (await embeddedStore(t))();
  const id = await real.push(newJob());
  const go = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const slow = new (class extends SwitchedQueue {
    override async claim(rules: readonly string[], leaseMs: number) {
      const claim = await super.claim(rules, leaseMs);
      claimed.resolve();
      await go.promise;
      return claim;
    }
  })(real);
  let ran = 0;
  const { worker } = await startWorker(t, slow, [jobRule({ run: async () => void ran++ })]);
  await claimed.promise;

  const closed = worker.close(60_000);
  go.resolve();
  await closed;

  t.is(ran, 0);
  t.like(await real.ledger.find(id), { state: 'waiting', failures: 0 });
});
