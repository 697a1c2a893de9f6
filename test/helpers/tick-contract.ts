import test from 'ava';
import type { Tick } from '../../src/contract/store.ts';
import { claimSoon, LONG_LEASE_MS, newJob, type PrepareStore, SHORT_LEASE_MS } from './prepare-store.ts';
import { untilResult } from './until-result.ts';

/** Whole minutes of the past hour, like the times of a schedule. */
const START_MS = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;

function tick(minute: number, parts: Partial<Tick> = {}): Tick {
  return {
    rule: 'mail',
    schedule: '* * * * *',
    atMs: START_MS + minute * 60_000,
    payload: Buffer.from(`minute ${minute}`),
    ...parts,
  };
}

/** The contract of queues about ticks of schedules, as tests. */
export function testTicks(name: string, prepare: PrepareStore): void {
  test.serial(
    `${name}: the first tick of a rule pushes nothing, the next one pushes a job that is due now`,
    async (t) => {
      const { queue } = await (await prepare(t))();

      t.is(await queue.tick(tick(0)), 'first');
      t.is(await queue.tick(tick(0)), 'known');
      t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

      t.is(await queue.tick(tick(1)), 'pushed');
      const { job } = await claimSoon(queue);
      t.is(Buffer.from(job.payload).toString(), 'minute 1');
      t.like(job, { rule: 'mail', attempts: 1, failures: 0 });
      t.true(Math.abs(job.dueAtMs - Date.now()) < 10_000);
    },
  );

  test.serial(
    `${name}: a time that was pushed, or an earlier one, is known, also in a store that is opened later`,
    async (t) => {
      const open = await prepare(t);
      const first = await open();
      await first.queue.tick(tick(0));
      t.is(await first.queue.tick(tick(5)), 'pushed');
      await first.queue.done(await claimSoon(first.queue));
      await first.close();

      const { queue } = await open();

      t.is(await queue.tick(tick(5)), 'known');
      t.is(await queue.tick(tick(4)), 'known');
      t.is(await queue.tick(tick(6)), 'pushed');
    },
  );

  test.serial(`${name}: a tick is skipped if the previous run waits or runs`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.tick(tick(0));
    t.is(await queue.tick(tick(1)), 'pushed');
    t.is(await queue.tick(tick(2)), 'busy');
    const claim = await claimSoon(queue);
    t.is(await queue.tick(tick(3)), 'busy');
    await queue.again(claim, Date.now() + 3_600_000, 'failed');
    t.is(await queue.tick(tick(4)), 'busy');
    await queue.ledger.retry(claim.job.id);

    t.true(await queue.done(await claimSoon(queue)));

    t.is(await queue.tick(tick(4)), 'known');
    t.is(await queue.tick(tick(5)), 'pushed');
  });

  test.serial(`${name}: a tick is skipped if the lease of the previous run has ended`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.tick(tick(0));
    await queue.tick(tick(1));
    const { job } = await claimSoon(queue, { leaseMs: SHORT_LEASE_MS });
    await untilResult(
      () => queue.ledger.find(job.id),
      (record) => record?.state === 'waiting',
    );

    t.is(await queue.tick(tick(2)), 'busy');
  });

  test.serial(`${name}: a dead run does not prevent a tick`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.tick(tick(0));
    await queue.tick(tick(1));
    await queue.bury(await claimSoon(queue), 'gave up');

    t.is(await queue.tick(tick(2)), 'pushed');
  });

  test.serial(`${name}: jobs and ticks of other rules do not prevent a tick`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.push(newJob({ rule: 'mail2' }));
    await queue.tick(tick(0));
    t.is(await queue.tick(tick(0, { rule: 'other' })), 'first');
    t.is(await queue.tick(tick(1, { rule: 'other' })), 'pushed');

    t.is(await queue.tick(tick(1)), 'pushed');
  });

  test.serial(`${name}: a rule with a changed schedule counts from then on`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.tick(tick(0));

    t.is(await queue.tick(tick(5, { schedule: '*/5 * * * *' })), 'first');
    t.is(await queue.tick(tick(5, { schedule: '*/5 * * * *' })), 'known');
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
    t.is(await queue.tick(tick(10, { schedule: '*/5 * * * *' })), 'pushed');
  });

  test.serial(`${name}: of many ticks for one time through two stores, one pushes a job`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    await one.queue.tick(tick(0));
    for (let minute = 1; minute <= 20; minute++) {
      const outcomes = await Promise.all([one, two, one, two].map(({ queue }) => queue.tick(tick(minute))));
      t.deepEqual(outcomes.toSorted(), ['known', 'known', 'known', 'pushed']);

      t.true(await two.queue.done(await claimSoon(two.queue)));
    }
  });

  test.serial(`${name}: a tick of a wrong clock from the far future does not stop the schedule`, async (t) => {
    const { queue } = await (await prepare(t))();
    const year = 365 * 24 * 60;
    await queue.tick(tick(year));

    t.is(await queue.tick(tick(1)), 'pushed');
    await queue.done(await claimSoon(queue));
    t.is(await queue.tick(tick(1)), 'known');
    t.is(await queue.tick(tick(2)), 'pushed');
  });
}
