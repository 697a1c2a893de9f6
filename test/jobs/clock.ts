import test, { type ExecutionContext } from 'ava';
import type { JobRule } from '../../src/contract/job-rule.ts';
import type { Queue } from '../../src/contract/store.ts';
import { Clock } from '../../src/jobs/clock.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { FakeTime } from '../helpers/fake-time.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { claimAll, newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

const HOURLY = jobRule({ schedule: '0 * * * *' });

interface RunningClock {
  readonly clock: Clock;
  readonly time: FakeTime;
  logged(message: RegExp): Promise<readonly Record<string, unknown>[]>;
}

/** Starts a clock at a time, and resolves after its first check. */
async function startClock(
  t: ExecutionContext,
  queue: Queue,
  start: string,
  rules: readonly JobRule[] = [HOURLY],
): Promise<RunningClock> {
  const folder = await logFolder(t);
  const time = new FakeTime(start);
  const clock = new Clock({ queue, log: folder.open(), rules, time });
  clock.start();
  t.teardown(() => clock.close());
  await time.settled();
  return {
    clock,
    time,
    logged: (pattern) =>
      untilResult(
        async () => (await folder.lines('error.log')).filter(({ message }) => pattern.test(String(message))),
        (lines) => lines.length > 0,
      ),
  };
}

/** Claims and ends all due jobs. Resolves with the scheduled times of their payloads. */
async function ticksOf(queue: Queue, rules: readonly string[] = ['mail']): Promise<readonly string[]> {
  const ticks: string[] = [];
  for (;;) {
    const claim = await queue.claim(rules, 60_000);
    if (!claim) return ticks;
    ticks.push(new Date(JSON.parse(Buffer.from(claim.job.payload).toString()).tickMs).toISOString());
    await queue.done(claim);
  }
}

test('each time of a schedule is pushed when it comes, and not earlier', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const { time } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');

  await time.passTo('2026-11-20T09:59:59.999Z');
  t.deepEqual(await ticksOf(queue), []);

  await time.passTo('2026-11-20T10:00:00.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(queue), ['2026-11-20T10:00:00.000Z']);

  await time.passTo('2026-11-20T11:00:30.000Z');
  t.deepEqual(await ticksOf(queue), ['2026-11-20T11:00:00.000Z']);
  // The first check and two times: most checks do not call the store.
  t.is(queue.calls.tick, 3);
});

test('of the times that passed while no process ran, only the last one is pushed', async (t) => {
  const open = await embeddedStore(t);
  const { queue } = await open();
  const before = await startClock(t, queue, '2026-11-20T09:30:00.000Z');
  await before.clock.close();

  const after = await startClock(t, queue, '2026-11-20T14:20:00.000Z');
  await startClock(t, (await open()).queue, '2026-11-20T14:21:00.000Z');

  t.deepEqual(await ticksOf(queue), ['2026-11-20T14:00:00.000Z']);
  t.like((await after.logged(/^a missed scheduled run was pushed late$/))[0], {
    rule: 'mail',
    due: '2026-11-20T14:00:00.000Z',
  });
});

test('two clocks on one store push each time once', async (t) => {
  const open = await embeddedStore(t);
  const [one, two] = [(await open()).queue, (await open()).queue];
  const clocks = [
    await startClock(t, one, '2026-11-20T09:30:00.000Z'),
    await startClock(t, two, '2026-11-20T09:30:10.000Z'),
  ];

  const ticks: string[] = [];
  for (const hour of ['10', '11', '12', '13']) {
    await Promise.all(clocks.map(({ time }) => time.passTo(`2026-11-20T${hour}:00:01.000Z`)));
    await Promise.all(clocks.map(({ time }) => time.settled()));
    ticks.push(...(await ticksOf(two)));
  }

  t.deepEqual(
    ticks,
    ['10', '11', '12', '13'].map((hour) => `2026-11-20T${hour}:00:00.000Z`),
  );
});

test('a time that comes before the previous run has ended is skipped and logged', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const { time, logged } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');
  await time.passTo('2026-11-20T10:00:01.000Z');
  await time.settled();
  const claim = await queue.claim(['mail'], 60_000);

  await time.passTo('2026-11-20T11:00:01.000Z');
  await time.settled();

  t.like((await logged(/^a scheduled run was skipped/))[0], {
    level: 'warn',
    rule: 'mail',
    due: '2026-11-20T11:00:00.000Z',
  });
  if (claim) await queue.done(claim);
  t.deepEqual(await claimAll(queue), []);
  await time.passTo('2026-11-20T12:00:01.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(queue), ['2026-11-20T12:00:00.000Z']);
});

test('after an outage of the store, only the last time is pushed', async (t) => {
  const { queue: real } = await (await embeddedStore(t))();
  const queue = new SwitchedQueue(real);
  const { time, logged } = await startClock(t, queue, '2026-11-20T09:59:00.000Z');

  queue.isOff = true;
  await time.passTo('2026-11-20T10:00:30.000Z');
  const calls = queue.calls.tick ?? 0;
  t.true(calls >= 4, `${calls} calls`);
  queue.isOff = false;
  await time.passTo('2026-11-20T10:00:40.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(real), ['2026-11-20T10:00:00.000Z']);

  await time.passTo('2026-11-20T10:59:59.000Z');
  queue.isOff = true;
  await time.passTo('2026-11-20T12:00:30.000Z');
  queue.isOff = false;
  await time.passTo('2026-11-20T12:00:40.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(real), ['2026-11-20T12:00:00.000Z']);
  t.is((await logged(/^the store fails: scheduled runs wait until it is back: switched off$/)).length, 2);
});

test('a clock that is set forward pushes the last time once; one that is set back pushes nothing until it reaches the old time', async (t) => {
  const { queue } = await (await embeddedStore(t))();
  const { time } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');

  time.set('2026-11-20T15:10:00.000Z');
  await time.passTo('2026-11-20T15:11:00.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(queue), ['2026-11-20T15:00:00.000Z']);

  time.set('2026-11-20T13:10:00.000Z');
  await time.passTo('2026-11-20T15:59:00.000Z');
  t.deepEqual(await ticksOf(queue), []);

  await time.passTo('2026-11-20T16:00:01.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(queue), ['2026-11-20T16:00:00.000Z']);
});

test('a schedule that a deploy changed counts from then on', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const { clock, time } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');

  clock.use([jobRule({ schedule: '15 * * * *' })]);
  t.is(queue.calls.tick, 2);
  await time.passTo('2026-11-20T10:00:30.000Z');
  t.deepEqual(await ticksOf(queue), []);

  await time.passTo('2026-11-20T10:15:01.000Z');
  await time.settled();
  t.deepEqual(await ticksOf(queue), ['2026-11-20T10:15:00.000Z']);
});

test('rules that are replaced during a call to the store are checked directly after it', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const { clock } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');

  clock.use([jobRule({ schedule: '15 * * * *' })]);
  clock.use([jobRule({ schedule: '45 * * * *' })]);

  await t.notThrowsAsync(until(() => queue.calls.tick === 3, 'the call for the last schedule'));
});

test('one schedule whose call fails does not block the others', async (t) => {
  const { queue: real } = await (await embeddedStore(t))();
  const partly = new (class extends SwitchedQueue {
    override tick(tick: Parameters<Queue['tick']>[0]) {
      return tick.rule === 'bad' ? Promise.reject(new Error('no')) : super.tick(tick);
    }
  })(real);
  const rules = [jobRule({ name: 'bad', schedule: '0 * * * *' }), HOURLY];
  const { time } = await startClock(t, partly, '2026-11-20T09:59:30.000Z', rules);

  await time.passTo('2026-11-20T10:00:30.000Z');
  await time.settled();

  t.deepEqual(await ticksOf(real), ['2026-11-20T10:00:00.000Z']);
});

test('a closed clock pushes nothing, and one without schedules does not call the store', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const { clock, time } = await startClock(t, queue, '2026-11-20T09:30:00.000Z');
  const calls = queue.calls.tick;
  await clock.close();
  clock.use([jobRule({ schedule: '*/5 * * * *' })]);
  t.false(time.isWaitedFor);
  t.is(queue.calls.tick, calls);

  const idle = new Clock({
    queue,
    log: (await logFolder(t)).open(),
    rules: [jobRule()],
    time: new FakeTime('2026-11-20T09:30:00.000Z'),
  });
  idle.start();
  await idle.close();
  await queue.push(newJob());
  t.is(queue.calls.tick, calls);
});

test('a schedule with a time zone comes at the times of that zone', async (t) => {
  const queue = new SwitchedQueue((await (await embeddedStore(t))()).queue);
  const rule = jobRule({ schedule: '0 2 * * *', timezone: 'Asia/Shanghai' });
  const { time } = await startClock(t, queue, '2026-11-20T17:59:59.000Z', [rule]);

  await time.passTo('2026-11-20T18:00:00.000Z');

  t.deepEqual(await ticksOf(queue), ['2026-11-20T18:00:00.000Z']);
});
