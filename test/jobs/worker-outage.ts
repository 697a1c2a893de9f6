import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

for (const verb of ['done', 'again', 'bury'] as const) {
  test(`the result of a job is stored when the store is back: ${verb}`, async (t) => {
    const { queue: real } = await (await embeddedStore(t))();
    const queue = new SwitchedQueue(real);
    const go = Promise.withResolvers<void>();
    let ran = 0;
    const rule = jobRule({
      retryAfterMs: verb === 'again' ? [3_600_000] : [],
      run: async () => {
        ran++;
        await go.promise;
        if (verb !== 'done') throw new Error('no');
      },
    });
    const { worker, logged, lines } = await startWorker(t, queue, [rule]);
    const id = await queue.push(newJob());
    await until(() => worker.size === 1, 'the run');

    queue.isOff = true;
    go.resolve();
    await until(() => (queue.calls[verb] ?? 0) >= 3, 'three attempts to store the result');
    t.is(worker.size, 1);
    queue.isOff = false;

    const ended = { done: undefined, again: 'waiting', bury: 'dead' }[verb];
    await untilResult(
      () => real.ledger.find(id),
      (record) => record?.state === ended && worker.size === 0,
    );
    t.is(ran, 1);
    // Failing claims are logged separately.
    t.true((await logged(/^the store is back$/)).length <= 2);
    t.is((await lines(/^the store fails: results of jobs are held in memory/)).length, 1);
  });
}

test('claims resume when the store is back, and the outage is logged once', async (t) => {
  const { queue: real } = await (await embeddedStore(t))();
  const queue = new SwitchedQueue(real);
  queue.isOff = true;
  const ran = Promise.withResolvers<void>();
  const { logged, lines } = await startWorker(t, queue, [jobRule({ run: async () => ran.resolve() })]);
  await real.push(newJob());
  await until(() => (queue.calls.claim ?? 0) >= 4, 'some claims');

  queue.isOff = false;

  await t.notThrowsAsync(ran.promise);
  t.is((await logged(/^the store is back$/)).length, 1);
  const [line, ...more] = await lines(/^the store fails: no jobs are started until it is back: switched off$/);
  t.like(line, { level: 'error', error: { code: 'store_unavailable', message: 'switched off' } });
  t.deepEqual(more, []);
});

test('the pauses between failing claims grow up to a limit', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  queue.isOff = true;
  const startedAtMs = performance.now();
  await startWorker(t, queue, [jobRule()]);

  // On a loaded machine three claims may take longer.
  await until(() => performance.now() - startedAtMs > 4000 && (queue.calls.claim ?? 0) >= 3, 'three claims');

  const { claim = 0 } = queue.calls;
  t.true(claim <= 10 * Math.ceil((performance.now() - startedAtMs) / 5000), `${claim} claims`);
});
