import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { newJob } from '../helpers/store-place.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-told.ts';
import { startWorker } from '../helpers/worker.ts';

/** Counts the claims under way, and refuses those that it is told to. */
class CountingQueue extends SwitchedQueue {
  most = 0;
  /** By their number, from 1. */
  readonly refused = new Set<number>();
  #now = 0;
  #asked = 0;

  override async claim(rules: readonly string[], leaseMs: number) {
    const number = ++this.#asked;
    this.most = Math.max(this.most, ++this.#now);
    try {
      const claim = super.claim(rules, leaseMs);
      if (!this.refused.has(number)) return await claim;
      throw new Fault('store_unavailable', { message: 'this one alone' });
    } finally {
      this.#now--;
    }
  }
}

test('where one job was found more are asked for at once, and never more than there are places for', async (t) => {
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
  await until(() => ran === 200, 'all jobs');

  t.is(most.all, 5);
  t.true((most.mail ?? 0) <= 3 && (most.report ?? 0) <= 3, JSON.stringify(most));
  t.true(queue.most > 1 && queue.most <= 3, `${queue.most} claims at once`);
});

test('of claims that are made together one may fail, and the jobs of the others run', async (t) => {
  const queue = new CountingQueue((await (await embeddedStore(t))()).queue);
  let ran = 0;
  for (let count = 0; count < 4; count++) await queue.push(newJob());
  // The first is alone, the next ones are not. What the third got nobody knows of.
  queue.refused.add(3);

  await startWorker(t, queue, [jobRule({ run: async () => void ran++ })], { concurrency: 4, functionConcurrency: 4 });

  await until(() => ran === 3, 'the others');
  // Its lease has to end.
  const left = await untilResult(
    () => queue.ledger.counts(),
    ({ waiting, running }) => waiting + running === 1,
  );
  t.is(left.running, 1);
});

test('while the store does not hear what came of jobs, less than twice as many as have places are in hand', async (t) => {
  const real = (await (await embeddedStore(t))()).queue;
  const queue = new (class extends SwitchedQueue {
    override async done(): Promise<boolean> {
      throw new Fault('store_unavailable', { message: 'this verb alone' });
    }
  })(real);
  let ran = 0;
  for (let count = 0; count < 20; count++) await queue.push(newJob());

  const { worker } = await startWorker(t, queue, [jobRule({ run: async () => void ran++ })], { concurrency: 3 });

  await until(() => ran >= 3, 'as many as there are places');
  const startedAtMs = performance.now();
  await until(() => performance.now() - startedAtMs > 1300, 'longer than a look');
  t.true(ran < 6, `${ran} were begun`);
  t.is(worker.size, ran);
});
