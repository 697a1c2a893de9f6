import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { claimSoon, newJob } from '../helpers/prepare-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

test('a failed job waits for the time of its rule, with the reason in the store and in the log', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const rule = jobRule({
    retryAfterMs: [60_000, 120_000],
    run: async () => {
      throw new RangeError('no post office');
    },
  });
  const { logged } = await startWorker(t, queue, [rule]);

  const id = await queue.push(newJob());

  const waits = async (failures: number): Promise<number> => {
    const job = await untilResult(
      () => queue.ledger.find(id),
      (record) => record?.failures === failures && record.state === 'waiting',
    );
    t.regex(job?.reason ?? '', /^RangeError: no post office\n {4}at .*worker-failures\.ts/);
    return (job?.dueAtMs ?? 0) - Date.now();
  };
  const first = await waits(1);
  t.true(first > 50_000 && first <= 60_000, `${first} ms`);
  const [line] = await logged(/^a job failed and is tried again: no post office$/);
  t.like(line, { level: 'warn', job: id, attempt: 1, again_in_ms: 60_000, error: { message: 'no post office' } });
  // Makes the job due without a wait.
  await queue.push(newJob({ rule: 'other' }));
  t.true(await queue.ledger.retry(id));
});

test('a job that fails after its last retry is dead and does not run again', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const numbers: number[] = [];
  const rule = jobRule({
    retryAfterMs: [0, 0],
    run: async ({ number }) => {
      numbers.push(number);
      throw new Error(`attempt ${number}`);
    },
  });
  const { logged } = await startWorker(t, queue, [rule]);

  const id = await queue.push(newJob());

  const job = await untilResult(
    () => queue.ledger.find(id),
    (record) => record?.state === 'dead',
  );
  t.like(job, { attempts: 3, failures: 3 });
  t.regex(job?.reason ?? '', /^Error: attempt 3\n/);
  t.deepEqual(numbers, [1, 2, 3]);
  t.like((await logged(/set aside/))[0], { level: 'error', job: id, attempt: 3, error: { message: 'attempt 3' } });
});

for (const [what, run] of [
  [
    'throws before it is async',
    () => {
      throw new Error('sync');
    },
  ],
  ['rejects with nothing', () => Promise.reject()],
  [
    'rejects with an object that resists',
    () =>
      Promise.reject(
        new Proxy(
          {},
          {
            get() {
              throw new Error('no');
            },
          },
        ),
      ),
  ],
] as const) {
  test(`a function that ${what} fails its own job only`, async (t) => {
    const { queue } = await (await embeddedStore(t))();
    const ran = Promise.withResolvers<void>();
    await startWorker(t, queue, [jobRule({ run }), jobRule({ name: 'other', run: async () => ran.resolve() })]);

    const id = await queue.push(newJob());

    await untilResult(
      () => queue.ledger.find(id),
      (record) => record?.state === 'dead',
    );
    await queue.push(newJob({ rule: 'other' }));
    await t.notThrowsAsync(ran.promise);
  });
}

test('a job that does not end in time has failed: its signal aborts, and its slot is free although it still runs', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const signals: AbortSignal[] = [];
  const go = Promise.withResolvers<void>();
  const rule = jobRule({
    timeoutMs: 100,
    run: async ({ signal }) => {
      signals.push(signal);
      await go.promise;
    },
  });
  const { worker, logged } = await startWorker(t, queue, [rule], { functionConcurrency: 1 });

  const ids = [await queue.push(newJob()), await queue.push(newJob())];

  for (const id of ids) {
    const job = await untilResult(
      () => queue.ledger.find(id),
      (record) => record?.state === 'dead',
    );
    t.is(job?.reason, 'TimeoutError: the function did not end within 100 ms');
  }
  await until(() => worker.size === 0, 'the slots to be free');
  t.deepEqual(
    signals.map(({ reason }) => reason.message),
    ['the function did not end within 100 ms', 'the function did not end within 100 ms'],
  );
  const lines = await logged(/^a function still runs/, 2);
  t.deepEqual(
    lines.map(({ still_running }) => still_running),
    [1, 2],
  );
  go.resolve();
  t.deepEqual(
    (await logged(/^a function ended after/, 2)).map(({ still_running }) => still_running),
    [1, 0],
  );
});

test('the signal of a job that ended in time does not abort later', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const ran = Promise.withResolvers<AbortSignal>();
  const rule = jobRule({ timeoutMs: 50, run: async ({ signal }) => ran.resolve(signal) });
  await startWorker(t, queue, [rule]);

  await queue.push(newJob());

  const signal = await ran.promise;
  const startedAtMs = performance.now();
  await until(() => performance.now() - startedAtMs > 150, 'longer than its timeout');
  t.false(signal.aborted);
});

test('a job that needs nearly all of its timeout causes a warning', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const rule = jobRule({
    timeoutMs: 1000,
    run: async () => {
      const startedAtMs = performance.now();
      await until(() => performance.now() - startedAtMs > 810, 'most of its timeout');
    },
  });
  const { logged } = await startWorker(t, queue, [rule]);

  const id = await queue.push(newJob());

  t.like((await logged(/^a job needed nearly all of its timeout; /))[0], { level: 'warn', job: id });
});

test('a job whose process ended at every attempt becomes dead without another attempt', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const id = await queue.push(newJob());
  for (let attempt = 1; attempt <= 5; attempt++) await claimSoon(queue, { leaseMs: 1 });
  let ran = 0;

  const { logged } = await startWorker(t, queue, [jobRule({ retryAfterMs: [0], run: async () => void ran++ })]);

  const job = await untilResult(
    () => queue.ledger.find(id),
    (record) => record?.state === 'dead',
  );
  t.is(job?.reason, 'the process ended 5 times while it ran');
  t.is(ran, 0);
  t.is((await logged(/^a job is set aside: the process ended 5 times while it ran$/)).length, 1);
});

test('a job whose process ended at some attempts runs', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  await queue.push(newJob());
  for (let attempt = 1; attempt <= 4; attempt++) await claimSoon(queue, { leaseMs: 1 });
  const ran = Promise.withResolvers<number>();

  await startWorker(t, queue, [jobRule({ run: async ({ number }) => ran.resolve(number) })]);

  t.is(await ran.promise, 5);
});

test('failures and attempts whose process ended count together: five in total', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const id = await queue.push(newJob());
  for (let attempt = 1; attempt <= 3; attempt++) await claimSoon(queue, { leaseMs: 1 });
  for (let attempt = 4; attempt <= 5; attempt++)
    t.true(await queue.again(await claimSoon(queue), Date.now(), 'it threw'));

  await startWorker(t, queue, [jobRule({ retryAfterMs: [0, 0] })]);

  const job = await untilResult(
    () => queue.ledger.find(id),
    (record) => record?.state === 'dead',
  );
  t.is(job?.reason, 'the process ended 3 times while it ran, and it failed 2 times');
});

test('a job that many drains gave back runs', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  await queue.push(newJob());
  for (let drains = 0; drains < 20; drains++) t.true(await queue.again(await claimSoon(queue), Date.now()));
  const ran = Promise.withResolvers<number>();

  await startWorker(t, queue, [jobRule({ run: async ({ number }) => ran.resolve(number) })]);

  t.is(await ran.promise, 21);
});
