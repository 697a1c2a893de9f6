import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

test('a run of a schedule gets the time of the next one, other jobs do not', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const next = new Map<string, number | undefined>();
  const rules = [jobRule({ name: 'new-year', schedule: '0 0 1 1 *' }), jobRule()].map((rule) => ({
    ...rule,
    run: async ({ nextRunAtMs }: { readonly nextRunAtMs?: number }) => void next.set(rule.name, nextRunAtMs),
  }));
  await startWorker(t, queue, rules);

  for (const { name } of rules) await queue.push(newJob({ rule: name }));

  await until(() => next.size === 2, 'both runs');
  t.is(next.get('new-year'), Date.UTC(new Date().getUTCFullYear() + 1, 0));
  t.is(next.get('mail'), undefined);
});

test('a schedule has one run at a time, also if more jobs of it are pushed', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  let running = 0;
  let ran = 0;
  let most = 0;
  const rule = jobRule({
    schedule: '@daily',
    run: async () => {
      most = Math.max(most, ++running);
      await delay(30);
      running--;
      ran++;
    },
  });
  for (let count = 0; count < 6; count++) await queue.push(newJob());

  await startWorker(t, queue, [rule]);

  await until(() => ran === 6, 'six runs');
  t.is(most, 1);
});

test('a scheduled run does not wait for a backlog of other jobs', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const order: string[] = [];
  const dueAtMs = Date.now() - 1000;
  for (let count = 0; count < 30; count++) await queue.push(newJob({ dueAtMs }));
  await queue.push(newJob({ rule: 'hourly' }));

  const run = async ({ id }: { readonly id: string }): Promise<void> =>
    void order.push((await queue.ledger.find(id))?.rule ?? '');
  await startWorker(t, queue, [jobRule({ run }), jobRule({ name: 'hourly', schedule: '@hourly', run })], {
    concurrency: 2,
  });

  await until(() => order.length === 31, 'all runs');
  t.true(order.indexOf('hourly') < 5, `it ran as number ${order.indexOf('hourly') + 1}`);
});

test('when functions use all slots, there is exactly one more slot for schedules', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const go = Promise.withResolvers<void>();
  const began: string[] = [];
  let running = 0;
  let most = 0;
  const rules = [{}, { name: 'hourly', schedule: '@hourly' }, { name: 'daily', schedule: '@daily' }].map((parts) =>
    jobRule({
      ...parts,
      run: async () => {
        began.push(parts.name ?? 'mail');
        most = Math.max(most, ++running);
        await go.promise;
        running--;
      },
    }),
  );
  const { worker } = await startWorker(t, queue, rules, { concurrency: 2 });
  for (let count = 0; count < 5; count++) await queue.push(newJob());
  await until(() => worker.size === 2, 'all slots to be in use');

  for (const rule of ['hourly', 'daily']) await queue.push(newJob({ rule }));
  await until(() => worker.size === 3, 'the slot for schedules to be in use');
  await queue.push(newJob());
  t.is(began.filter((name) => name !== 'mail').length, 1);
  go.resolve();

  await until(() => began.length === 8, 'all runs');
  t.true(began.indexOf('daily') < 5 && began.indexOf('hourly') < 5, began.join());
  t.is(most, 3);
});

test('only the last failed run of a schedule is kept', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const fail = async (): Promise<void> => {
    throw new Error('no');
  };
  await startWorker(t, queue, [jobRule({ name: 'hourly', schedule: '@hourly', run: fail }), jobRule({ run: fail })], {
    concurrency: 1,
  });

  const ids: string[] = [];
  for (let count = 0; count < 3; count++) {
    await queue.push(newJob());
    ids.push(await queue.push(newJob({ rule: 'hourly' })));
  }

  await untilResult(
    () => queue.ledger.counts(),
    ({ waiting, running, dead }) => waiting + running === 0 && dead === 4,
  );
  const left = await queue.ledger.list({ rule: 'hourly', limit: 10 });
  t.deepEqual(
    left.map(({ id }) => id),
    ids.slice(-1),
  );
});
