import test from 'ava';
import type { JobAttempt } from '../../src/contract/job-rule.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

const NOTHING = { waiting: 0, running: 0, dead: 0 };

test('a job runs with its payload, is deleted when it is done, and has one line in the log', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const attempts: JobAttempt[] = [];
  const { logged } = await startWorker(t, queue, [jobRule({ run: async (attempt) => void attempts.push(attempt) })]);

  const id = await queue.push(newJob({ payload: Buffer.from('to run') }));

  await untilResult(
    () => queue.ledger.counts(),
    (counts) => attempts.length > 0 && counts.running === 0,
  );
  t.deepEqual(await queue.ledger.counts(), NOTHING);
  const [attempt, ...more] = attempts;
  t.like(attempt, { id, number: 1, nextRunAtMs: undefined });
  t.is(Buffer.from(attempt?.payload ?? '').toString(), 'to run');
  t.deepEqual(more, []);
  t.like((await logged(/^a job is done$/))[0], {
    level: 'info',
    rule: 'mail',
    target: 'functions/mail.js',
    job: id,
    attempt: 1,
  });
});

test('jobs that were pushed before the start run in the order in which they are due', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const ran: string[] = [];
  const now = Date.now();
  for (const agoMs of [1000, 3000, 2000])
    await queue.push(newJob({ dueAtMs: now - agoMs, payload: Buffer.from(`${agoMs}`) }));

  const rule = jobRule({ run: async ({ payload }) => void ran.push(Buffer.from(payload).toString()) });
  await startWorker(t, queue, [rule], { functionConcurrency: 1 });

  await until(() => ran.length === 3, 'three runs');
  t.deepEqual(ran, ['3000', '2000', '1000']);
});

test('the number of running jobs has a limit for each rule and one for all rules', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const running = new Map<string, number>();
  let ended = 0;
  let most = '';
  const go = Promise.withResolvers<void>();
  const rules = ['a', 'b'].map((name) =>
    jobRule({
      name,
      run: async () => {
        running.set(name, (running.get(name) ?? 0) + 1);
        const [a = 0, b = 0] = [running.get('a'), running.get('b')];
        if (a > 3 || b > 3 || a + b > 5) most = `${a} and ${b}`;
        await go.promise;
        running.set(name, (running.get(name) ?? 0) - 1);
        ended++;
      },
    }),
  );
  const now = Date.now();
  for (let count = 0; count < 20; count++) {
    await queue.push(newJob(count < 10 ? { rule: 'a', dueAtMs: now - 1000 } : { rule: 'b', dueAtMs: now }));
  }

  const { worker } = await startWorker(t, queue, rules, { concurrency: 5, functionConcurrency: 3 });
  await until(() => worker.size === 5, 'all slots to be in use');
  t.deepEqual(await queue.ledger.counts(), { waiting: 15, running: 5, dead: 0 });
  go.resolve();

  await until(() => ended === 20, 'the end of all jobs');
  t.is(most, '');
});

test('a rule whose slots are in use does not block other rules', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const never = new Promise<void>(() => {});
  const other = Promise.withResolvers<void>();
  for (let count = 0; count < 5; count++) await queue.push(newJob({ rule: 'slow' }));
  await queue.push(newJob({ rule: 'other' }));

  const rules = [
    jobRule({ name: 'slow', run: () => never }),
    jobRule({ name: 'other', run: async () => other.resolve() }),
  ];
  await startWorker(t, queue, rules, { functionConcurrency: 2 });

  await t.notThrowsAsync(other.promise);
});

test('a slot that becomes free is used immediately, without waiting for the next poll', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  let ran = 0;
  for (let count = 0; count < 60; count++) await queue.push(newJob());
  const startedAtMs = performance.now();

  await startWorker(t, queue, [jobRule({ run: async () => void ran++ })], { concurrency: 1 });

  await until(() => ran === 60, 'all jobs');
  // The worker polls about once a second.
  t.true(performance.now() - startedAtMs < SOON_MS);
});

test('an idle worker polls the store about once a second', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const startedAtMs = performance.now();
  await startWorker(t, queue, [jobRule()]);

  // On a loaded machine two polls may take longer.
  await until(() => performance.now() - startedAtMs > 2700 && (queue.calls.claim ?? 0) >= 2, 'two polls');

  const { claim = 0, ...others } = queue.calls;
  t.true(claim <= 4 * Math.ceil((performance.now() - startedAtMs) / 3500), `${claim} claims`);
  t.deepEqual(others, {});
});

for (const [what, rules, concurrency] of [
  ['without rules', [], 20],
  ['without slots', [jobRule()], 0],
] as const) {
  test(`a worker ${what} does not call the store`, async (t) => {
    const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
    await startWorker(t, queue, rules, { concurrency });

    await queue.push(newJob());

    const startedAtMs = performance.now();
    await until(() => performance.now() - startedAtMs > 1300, 'longer than a poll interval');
    t.deepEqual(queue.calls, { push: 1 });
  });
}

test('a job that becomes due while the worker is idle runs at the next poll', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const ran = Promise.withResolvers<number>();
  await startWorker(t, queue, [jobRule({ run: async () => ran.resolve(Date.now()) })]);
  const dueAtMs = Date.now() + 300;

  await queue.push(newJob({ dueAtMs }));

  const ranAtMs = await ran.promise;
  t.true(ranAtMs >= dueAtMs);
  t.true(ranAtMs - dueAtMs < SOON_MS);
});

test('new rules apply to the next job, and a running job ends with its old rule', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const ran: string[] = [];
  const go = Promise.withResolvers<void>();
  const before = jobRule({
    run: async () => {
      await go.promise;
      ran.push('before');
    },
  });
  const { worker } = await startWorker(t, queue, [before]);
  await queue.push(newJob());
  await until(() => worker.size === 1, 'the run');

  worker.use([jobRule({ run: async () => void ran.push('after') })]);
  await queue.push(newJob());
  await until(() => ran.length === 1, 'the run by the new rule');
  go.resolve();

  await untilResult(
    () => queue.ledger.counts(),
    ({ running }) => running === 0,
  );
  t.deepEqual(ran, ['after', 'before']);
});

test('jobs of a removed rule wait, are logged once, and run when the rule is back', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const id = await queue.push(newJob({ rule: 'gone' }));
  const ran = Promise.withResolvers<string>();

  const { worker, logged } = await startWorker(t, queue, [jobRule()]);
  const [line, ...more] = await logged(/^jobs wait for functions that this site does not have; /);
  t.like(line, { level: 'warn', rules: ['gone'] });
  t.deepEqual(more, []);
  t.is((await queue.ledger.find(id))?.state, 'waiting');
  worker.use([jobRule(), jobRule({ name: 'gone', run: async ({ id }) => ran.resolve(id) })]);

  t.is(await ran.promise, id);
});
