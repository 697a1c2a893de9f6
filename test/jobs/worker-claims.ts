import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Counts the pending claims, and rejects those in `refused`. */
class CountingQueue extends SwitchedQueue {
  most = 0;
  /** Numbers of claims, from 1. */
  readonly refused = new Set<number>();
  #now = 0;
  #claims = 0;

  override async claim(rules: readonly string[], leaseMs: number) {
    const number = ++this.#claims;
    this.most = Math.max(this.most, ++this.#now);
    try {
      const claim = super.claim(rules, leaseMs);
      if (!this.refused.has(number)) return await claim;
      throw new Fault('store_unavailable', { message: 'only this claim' });
    } finally {
      this.#now--;
    }
  }
}

test('after a successful claim several are sent at once, but not more than there are free slots', async (t) => {
  const queue = new CountingQueue((await (await embeddedStore(t))()).queue);
  const running: Record<string, number> = { mail: 0, report: 0 };
  const most: Record<string, number> = { mail: 0, report: 0, all: 0 };
  let [all, ran] = [0, 0];
  const isFull = Promise.withResolvers<void>();
  const rules = ['mail', 'report'].map((name) =>
    jobRule({
      name,
      run: async () => {
        running[name] = (running[name] ?? 0) + 1;
        most[name] = Math.max(most[name] ?? 0, running[name]);
        most.all = Math.max(most.all ?? 0, ++all);
        if (all === 5) isFull.resolve();
        await isFull.promise;
        running[name]--;
        all--;
        ran++;
      },
    }),
  );
  for (let count = 0; count < 200; count++) await queue.push(newJob({ rule: count % 3 ? 'mail' : 'report' }));

  await startWorker(t, queue, rules, { concurrency: 5, functionConcurrency: 3 });
  await until(() => ran === 200, 'all runs');

  t.is(most.all, 5);
  t.true((most.mail ?? 0) <= 3 && (most.report ?? 0) <= 3, JSON.stringify(most));
  t.true(queue.most > 1 && queue.most <= 3, `${queue.most} claims at once`);
});

test('when one of several concurrent claims fails, the jobs of the others run', async (t) => {
  const queue = new CountingQueue((await (await embeddedStore(t))()).queue);
  let ran = 0;
  for (let count = 0; count < 4; count++) await queue.push(newJob());
  // The first claim is sent alone, the next ones together. The answer of the third is lost.
  queue.refused.add(3);

  await startWorker(t, queue, [jobRule({ run: async () => void ran++ })], { concurrency: 4, functionConcurrency: 4 });

  await until(() => ran === 3, 'the other jobs');
  // The lease of the lost claim has to end.
  const left = await untilResult(
    () => queue.ledger.counts(),
    ({ waiting, running }) => waiting + running === 1,
  );
  t.is(left.running, 1);
});

test('while results cannot be stored, fewer jobs than twice the number of slots are claimed', async (t) => {
  const real = (await (await embeddedStore(t))()).queue;
  const queue = new (class extends SwitchedQueue {
    override async done(): Promise<boolean> {
      throw new Fault('store_unavailable', { message: 'only this call' });
    }
  })(real);
  let ran = 0;
  for (let count = 0; count < 20; count++) await queue.push(newJob());

  const { worker } = await startWorker(t, queue, [jobRule({ run: async () => void ran++ })], { concurrency: 3 });

  await until(() => ran >= 3, 'as many runs as there are slots');
  const startedAtMs = performance.now();
  await until(() => performance.now() - startedAtMs > 1300, 'longer than a poll interval');
  t.true(ran < 6, `${ran} jobs were started`);
  t.is(worker.size, ran);
});
