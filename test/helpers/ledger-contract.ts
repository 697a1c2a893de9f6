import test from 'ava';
import { claimSoon, LONG_LEASE_MS, newJob, type PrepareStore, SHORT_LEASE_MS } from './prepare-store.ts';
import { untilResult } from './until-result.ts';

/** The contract of a queue's ledger, as tests. */
export function testLedger(name: string, prepare: PrepareStore): void {
  test.serial(`${name}: the ledger returns each job with all its data`, async (t) => {
    const open = await prepare(t);
    const { queue } = await open();
    const before = Date.now();
    const id = await queue.push(newJob({ payload: Buffer.from([0, 255]), dueAtMs: 77 }));

    const waiting = await (await open()).queue.ledger.find(id);
    t.like(waiting, { id, rule: 'mail', dueAtMs: 77, attempts: 0, failures: 0, state: 'waiting', reason: '' });
    t.true(Buffer.from([0, 255]).equals(waiting?.payload ?? Buffer.alloc(0)));
    t.true(waiting && waiting.pushedAtMs >= before && waiting.pushedAtMs <= Date.now());
    t.is(waiting?.leaseEndsAtMs, undefined);

    await claimSoon(queue);
    const running = await queue.ledger.find(id);
    t.like(running, { state: 'running', attempts: 1, pushedAtMs: waiting?.pushedAtMs ?? 0, dueAtMs: 77 });
    t.true((running?.leaseEndsAtMs ?? 0) > Date.now() + LONG_LEASE_MS / 2);
    t.deepEqual(await queue.ledger.list({ limit: 10 }), running ? [running] : []);
  });

  test.serial(
    `${name}: a job whose lease has ended is waiting, and can be dropped while its worker still runs it`,
    async (t) => {
      const { queue } = await (await prepare(t))();
      const id = await queue.push(newJob());
      const claim = await claimSoon(queue, { leaseMs: SHORT_LEASE_MS });

      const lapsed = await untilResult(
        () => queue.ledger.find(id),
        (record) => record?.state === 'waiting',
      );

      t.is(lapsed?.leaseEndsAtMs, undefined);
      t.deepEqual(await queue.ledger.counts(), { waiting: 1, running: 0, dead: 0 });
      t.is((await queue.ledger.list({ state: 'waiting', limit: 10 })).length, 1);
      t.deepEqual(await queue.ledger.list({ state: 'running', limit: 10 }), []);
      t.true(await queue.ledger.drop(id));
      t.false(await queue.done(claim));
    },
  );

  test.serial(`${name}: the ledger lists jobs by state and rule, oldest push first, in pages`, async (t) => {
    const { queue } = await (await prepare(t))();
    const ids: string[] = [];
    // Due in another order than pushed: the list is in the order of the pushes.
    for (let count = 0; count < 12; count++) {
      ids.push(await queue.push(newJob({ rule: `rule ${count % 2}`, dueAtMs: 1000 - count })));
    }
    const dead = await claimSoon(queue, { rules: ['rule 1'] });
    const running = await claimSoon(queue, { rules: ['rule 1'] });
    await queue.bury(dead, 'x');
    const list = async (...[filter]: Parameters<typeof queue.ledger.list>) =>
      (await queue.ledger.list(filter)).map(({ id }) => id);

    t.deepEqual(await list({ limit: 100 }), ids);
    t.deepEqual(await list({ limit: 5 }), ids.slice(0, 5));
    t.deepEqual(await list({ limit: 5, after: ids[4] ?? '' }), ids.slice(5, 10));
    t.deepEqual(await list({ limit: 5, after: ids[11] ?? '' }), []);
    t.deepEqual(await list({ limit: 100, state: 'dead' }), [dead.job.id]);
    t.deepEqual(await list({ limit: 100, state: 'running' }), [running.job.id]);
    t.deepEqual(await list({ limit: 100, state: 'running', rule: 'rule 0' }), []);
    t.deepEqual(
      await list({ limit: 100, rule: 'rule 0' }),
      ids.filter((_, count) => count % 2 === 0),
    );
    t.deepEqual(await list({ limit: 2, rule: 'rule 1', state: 'waiting', after: ids[2] ?? '' }), [ids[3], ids[5]]);
    t.deepEqual(await queue.ledger.counts(), { waiting: 10, running: 1, dead: 1 });
    t.is(await queue.ledger.find('no such job'), undefined);
  });

  test.serial(`${name}: a retried dead job is due now, like a new one`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob());
    await queue.again(await claimSoon(queue), Date.now(), 'first');
    await queue.bury(await claimSoon(queue), 'second');
    const before = Date.now();

    t.true(await queue.ledger.retry(id));

    const record = await queue.ledger.find(id);
    t.like(record, { state: 'waiting', attempts: 0, failures: 0, reason: '' });
    t.true(record && record.dueAtMs >= before && record.dueAtMs <= Date.now());
    t.like((await claimSoon(queue)).job, { id, attempts: 1, failures: 0 });
  });

  test.serial(`${name}: a retried waiting job is due now`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob({ dueAtMs: Date.now() + 3_600_000 }));
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

    t.true(await queue.ledger.retry(id));

    t.is((await claimSoon(queue)).job.id, id);
  });

  test.serial(`${name}: dropped waiting and dead jobs are deleted`, async (t) => {
    const { queue } = await (await prepare(t))();
    const dead = await queue.push(newJob());
    await queue.bury(await claimSoon(queue), 'x');
    const waiting = await queue.push(newJob());

    t.true(await queue.ledger.drop(dead));
    t.true(await queue.ledger.drop(waiting));

    t.false(await queue.ledger.drop(dead));
    t.false(await queue.ledger.retry(dead));
    t.deepEqual(await queue.ledger.list({ limit: 10 }), []);
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
    t.deepEqual(await queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
  });

  test.serial(`${name}: running jobs can be neither retried nor dropped`, async (t) => {
    const { queue } = await (await prepare(t))();
    await queue.push(newJob());
    const claim = await claimSoon(queue);

    t.false(await queue.ledger.retry(claim.job.id));
    t.false(await queue.ledger.drop(claim.job.id));
    t.false(await queue.ledger.drop('no such job'));

    t.true(await queue.done(claim));
  });

  test.serial(`${name}: an attempt whose lease ends counts as vanished, one that is given back does not`, async (t) => {
    const { queue } = await (await prepare(t))();
    const id = await queue.push(newJob());
    for (let round = 0; round < 2; round++) {
      await claimSoon(queue, { leaseMs: 1 });
      t.true(await queue.again(await claimSoon(queue), Date.now()));
    }
    t.true(await queue.again(await claimSoon(queue), Date.now(), 'it threw'));

    const { job } = await claimSoon(queue, { leaseMs: SHORT_LEASE_MS });

    t.like(job, { attempts: 6, failures: 1, vanished: 2 });
    t.like(await queue.ledger.find(id), { attempts: 6, failures: 1, vanished: 2 });
    t.true(await queue.bury(await claimSoon(queue), 'gave up'));
    t.like(await queue.ledger.find(id), { state: 'dead', vanished: 3 });
    t.true(await queue.ledger.retry(id));
    t.like((await claimSoon(queue)).job, { attempts: 1, failures: 0, vanished: 0 });
  });
}
