import test from 'ava';
import { claimAll, claimSoon, LONG_LEASE_MS, newJob, type PrepareStore, SHORT_LEASE_MS } from './prepare-store.ts';
import { until } from './until.ts';
import { untilResult } from './until-result.ts';

const LONG = LONG_LEASE_MS;
const SHORT = SHORT_LEASE_MS;

/** The contract of queues about jobs and leases, as tests. `name`: the store's name. */
export function testQueue(name: string, prepare: PrepareStore): void {
  test.serial(`${name}: jobs are claimed in the order of their due times, then of their pushes`, async (t) => {
    const { queue } = await (await prepare(t))();
    const pushAndClaim = async () => {
      const now = Date.now();
      const pushed: string[] = [];
      for (const agoMs of [10, 3000, 10, 2000]) pushed.push(await queue.push(newJob({ dueAtMs: now - agoMs })));
      const claimed = (await claimAll(queue)).map(({ id }) => id);
      return { claimed, expected: [1, 3, 0, 2].map((index) => pushed[index]) };
    };

    // Redis counts due times by its own clock: a push that takes a second on a loaded machine is due later.
    await untilResult(pushAndClaim, ({ claimed, expected }) => claimed.join() === expected.join());

    t.pass();
  });

  test.serial(`${name}: a claim returns only jobs of its rules`, async (t) => {
    const { queue } = await (await prepare(t))();
    const rules = ['/.netlify/functions/a-background', 'a', 'a*', 'ä:{b} c'];
    for (const rule of rules) await queue.push(newJob({ rule }));

    t.is(await queue.claim([], LONG), undefined);
    t.is(await queue.claim(['b', 'A', '*', '%'], LONG), undefined);
    t.deepEqual(
      (await claimAll(queue, ['ä:{b} c', 'none', 'a'])).map(({ rule }) => rule),
      ['a', 'ä:{b} c'],
    );
    t.is((await claimAll(queue, rules)).length, 2);
  });

  test.serial(`${name}: no job is claimed before it is due`, async (t) => {
    const { queue } = await (await prepare(t))();
    const dueAtMs = Date.now() + 150;
    await queue.push(newJob({ dueAtMs }));
    await queue.push(newJob({ dueAtMs: Date.now() + 3_600_000 }));

    const { job } = await claimSoon(queue);

    t.true(Date.now() >= dueAtMs);
    t.is(job.dueAtMs, dueAtMs);
    t.is(await queue.claim(['mail'], LONG), undefined);
  });

  test.serial(`${name}: a job is returned unchanged, with any bytes`, async (t) => {
    const { queue } = await (await prepare(t))();
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const large = Buffer.alloc(256 * 1024, every);
    const inside = new Uint8Array(large.buffer, large.byteOffset + 7, 5);
    for (const payload of [new Uint8Array(0), every, large, inside]) {
      const id = await queue.push(newJob({ rule: 'exact', payload, dueAtMs: 1234 }));

      const claim = await queue.claim(['exact'], LONG);

      t.like(claim?.job, { id, rule: 'exact', dueAtMs: 1234, attempts: 1, failures: 0 });
      t.true(claim?.job.payload instanceof Uint8Array);
      t.true(Buffer.from(payload).equals(claim?.job.payload ?? Buffer.from('none')));
    }
  });

  test.serial(`${name}: ids are unique and sort by the time of the push`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    const inOrder = [];
    for (let count = 0; count < 50; count++) inOrder.push(await one.queue.push(newJob()));

    const atOnce = await Promise.all(
      Array.from({ length: 100 }, (_, count) => (count % 2 ? one : two).queue.push(newJob())),
    );

    t.deepEqual(inOrder.toSorted(), inOrder);
    t.is(new Set([...inOrder, ...atOnce]).size, 150);
  });

  test.serial(`${name}: during a lease no other claim gets the job`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    await one.queue.push(newJob());

    const claims = await Promise.all([one, two, one, two].map(({ queue }) => queue.claim(['mail'], LONG)));

    t.is(claims.filter(Boolean).length, 1);
    t.is(await one.queue.claim(['mail'], LONG), undefined);
    t.is(await two.queue.claim(['mail'], LONG), undefined);
  });

  test.serial(`${name}: a job whose lease has ended is claimed again, with the same id`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    const payload = Buffer.from('survives');
    await one.queue.push(newJob({ payload, dueAtMs: 5 }));
    const first = await claimSoon(one.queue, { leaseMs: SHORT });

    const second = await claimSoon(two.queue);

    t.deepEqual(second.job, { ...first.job, payload: second.job.payload, attempts: 2, vanished: 1 });
    t.true(payload.equals(second.job.payload));
    t.not(second.lease, first.lease);
  });

  for (const ended of ['is claimed by another worker', 'was ended by another worker'] as const) {
    test.serial(`${name}: a claim whose job ${ended} has no effect`, async (t) => {
      const open = await prepare(t);
      const [one, two] = [await open(), await open()];
      await one.queue.push(newJob());
      const lost = await claimSoon(one.queue, { leaseMs: SHORT });
      const holder = await claimSoon(two.queue);
      if (ended === 'was ended by another worker') t.true(await two.queue.done(holder));
      const before = await two.queue.ledger.find(lost.job.id);

      t.false(await one.queue.extend(lost, LONG));
      t.false(await one.queue.again(lost, Date.now(), 'late'));
      t.false(await one.queue.bury(lost, 'late'));
      t.false(await one.queue.done(lost));

      t.deepEqual(await two.queue.ledger.find(lost.job.id), before);
      t.is(await one.queue.claim(['mail'], LONG), undefined);
      if (before) t.true(await two.queue.done(holder));
    });
  }

  test.serial(
    `${name}: a worker whose lease has ended can end its job if no other worker has claimed it`,
    async (t) => {
      const { queue } = await (await prepare(t))();
      const id = await queue.push(newJob());
      const claim = await claimSoon(queue, { leaseMs: 1 });
      const claimedAtMs = Date.now();
      await until(() => Date.now() > claimedAtMs + 5, 'the end of the lease');

      t.true(await queue.done(claim));
      t.is(await queue.ledger.find(id), undefined);
    },
  );

  test.serial(`${name}: an extended lease starts at the extension, also one that had ended`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    await one.queue.push(newJob());
    const claim = await claimSoon(one.queue, { leaseMs: SHORT });
    const claimedAtMs = Date.now();
    await until(() => Date.now() > claimedAtMs + SHORT, 'the end of the lease');

    t.true(await one.queue.extend(claim, LONG));

    t.is(await two.queue.claim(['mail'], LONG), undefined);
    t.true(await one.queue.extend(claim, SHORT));
    t.is((await claimSoon(two.queue)).job.attempts, 2);
  });

  test.serial(`${name}: a done job is deleted, and can be ended only once`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob());
    const claim = await claimSoon(queue);

    t.true(await queue.done(claim));
    t.false(await queue.done(claim));
    t.is(await queue.ledger.find(id), undefined);
    t.deepEqual(await queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
  });

  test.serial(`${name}: a job that is given back with a reason has one more failure, and waits`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob());
    const later = Date.now() + 3_600_000;

    t.true(await queue.again(await claimSoon(queue), Date.now(), 'it threw: "nö"'));
    const second = await claimSoon(queue);
    t.like(second.job, { attempts: 2, failures: 1 });
    t.true(await queue.again(second, later, 'again'));

    t.is(await queue.claim(['mail'], LONG), undefined);
    t.like(await queue.ledger.find(id), {
      state: 'waiting',
      dueAtMs: later,
      attempts: 2,
      failures: 2,
      reason: 'again',
    });
    t.false(await queue.done(second));
  });

  test.serial(`${name}: a job that is given back without a reason has no failure`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.push(newJob());
    t.true(await queue.again(await claimSoon(queue), Date.now(), 'first'));

    t.true(await queue.again(await claimSoon(queue), Date.now()));

    const { job } = await claimSoon(queue);
    t.like(job, { attempts: 3, failures: 1 });
    t.is((await queue.ledger.find(job.id))?.reason, 'first');
  });

  test.serial(`${name}: a buried job is dead, with the reason, and is not claimed again`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob());
    const claim = await claimSoon(queue);

    t.true(await queue.bury(claim, 'gave up'));

    t.is(await queue.claim(['mail'], LONG), undefined);
    t.like(await queue.ledger.find(id), { state: 'dead', reason: 'gave up', attempts: 1, failures: 1 });
    t.false(await queue.extend(claim, LONG));
    t.false(await queue.again(claim, Date.now()));
  });

  test.serial(`${name}: a store that is opened later has the waiting jobs`, async (t) => {
    const open = await prepare(t);
    const first = await open();
    const id = await first.queue.push(newJob({ payload: Buffer.from('kept') }));
    await first.close();

    const { job } = await claimSoon((await open()).queue);

    t.is(job.id, id);
    t.is(Buffer.from(job.payload).toString(), 'kept');
  });

  test.serial(`${name}: a closed store rejects calls, and can be closed again`, async (t) => {
    const store = await (await prepare(t))();
    const underWay = store.queue.push(newJob()).then(
      () => 'done',
      () => 'rejected',
    );

    await store.close();

    t.regex(await underWay, /done|rejected/);
    t.like(await t.throwsAsync(store.queue.push(newJob())), { code: 'store_unavailable' });
    await t.notThrowsAsync(store.close());
  });

  test.serial(`${name}: four workers on two stores claim and end each of 1,000 jobs once`, async (t) => {
    const open = await prepare(t);
    const [one, two] = [await open(), await open()];
    const pushed: string[] = [];
    for (let batch = 0; batch < 20; batch++) {
      const jobs = Array.from({ length: 50 }, () => newJob({ rule: `rule ${batch % 3}` }));
      pushed.push(...(await Promise.all(jobs.map((job) => one.queue.push(job)))));
    }

    const worked: string[] = [];
    const work = async ({ queue }: typeof one): Promise<void> => {
      for (;;) {
        const claim = await queue.claim(['rule 0', 'rule 1', 'rule 2'], LONG);
        if (!claim) return;
        worked.push(claim.job.id);
        if (!(await queue.done(claim))) throw new Error('lost a lease that had not ended');
      }
    };
    await Promise.all([work(one), work(two), work(one), work(two)]);

    t.deepEqual(worked.toSorted(), pushed.toSorted());
    t.deepEqual(await two.queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
  });

  test.serial(
    `${name}: a listener is called for pushes of this and of another store, until it is removed`,
    async (t) => {
      const open = await prepare(t);
      const [one, two] = [await open(), await open()];
      let notified = 0;
      let others = 0;
      const stop = one.queue.onPush(() => notified++);
      one.queue.onPush(() => others++);

      await one.queue.push(newJob());
      await until(() => notified > 0 && others > 0, 'a push here');
      // The store needs a moment before it notices other stores, so it may not notice a single push.
      [notified, others] = [0, 0];
      const again = setInterval(() => void two.queue.push(newJob()).catch(() => {}), 50);
      t.teardown(() => clearInterval(again));
      await until(() => notified > 0 && others > 0, 'a push through another store');

      stop();
      stop();
      [notified, others] = [0, 0];
      await one.queue.push(newJob());
      await until(() => others > 0, 'a push here, by who still listens');
      t.is(notified, 0);
    },
  );
}
