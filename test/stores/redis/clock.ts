import test, { type ExecutionContext } from 'ava';
import { SOON_MS } from '../../helpers/patience.ts';
import { claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';

const HOUR_MS = 3_600_000;

/** Serial, because the clock belongs to the whole process. */
const run = test.serial;

/** Sets the clock of this process, and so of its stores, to a wrong time until the test ends. */
function setWrong(t: ExecutionContext, ms: number): void {
  const right = Date.now;
  Date.now = () => right() + ms;
  t.teardown(() => {
    Date.now = right;
  });
}

for (const [what, ms] of [
  ['an hour ahead', HOUR_MS],
  ['a little ahead', 50],
  ['an hour behind', -HOUR_MS],
] as const) {
  run(`a job of a container whose clock is ${what} is due when it says, by the clock of Redis`, async (t) => {
    const { queue } = openStore(t, (await startRedis(t)).url).store;
    setWrong(t, ms);

    const now = await queue.push(newJob());
    const later = await queue.push(newJob({ dueAtMs: Date.now() + 60_000 }));

    const claim = await queue.claim(['mail'], LONG_LEASE_MS);
    t.is(claim?.job.id, now);
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
    const record = await queue.ledger.find(later);
    const inMs = (record?.dueAtMs ?? 0) - (record?.pushedAtMs ?? 0);
    t.true(inMs > 59_000 && inMs < 59_000 + SOON_MS, `${inMs} ms`);
  });

  run(`a job that a container whose clock is ${what} gives back is due when it says`, async (t) => {
    const { queue } = openStore(t, (await startRedis(t)).url).store;
    const id = await queue.push(newJob());
    const claim = await claimSoon(queue);
    setWrong(t, ms);

    t.true(await queue.again(claim, Date.now()));
    const second = await claimSoon(queue);
    t.true(await queue.again(second, Date.now() + 60_000, 'no'));

    const record = await queue.ledger.find(id);
    t.like(record, { attempts: 2, failures: 1, reason: 'no' });
    const inMs = (record?.dueAtMs ?? 0) - (record?.pushedAtMs ?? 0);
    t.true(inMs > 59_000 && inMs < 59_000 + SOON_MS, `${inMs} ms`);
  });
}
