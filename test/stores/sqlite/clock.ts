import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { ready, type SqliteRoom, sqliteRoom } from '../../helpers/sqlite-store.ts';
import { claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/store-place.ts';

/** As if the clock had been so far ahead when the running jobs were claimed. */
function wasAhead({ file }: SqliteRoom, ms: number): void {
  const database = new DatabaseSync(file, { timeout: 1000 });
  database.prepare('UPDATE jobs SET lease_ends_at = lease_ends_at + ? WHERE lease IS NOT NULL').run(ms);
  database.close();
}

test.serial('a lease from before the clock went back a day does not last a day', async (t) => {
  const room = await sqliteRoom(t);
  const { queue } = await ready(room.open());
  const id = await queue.push(newJob());
  await claimSoon(queue);
  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

  wasAhead(room, 24 * 3_600_000);

  t.is((await queue.ledger.find(id))?.state, 'waiting');
  t.like(await queue.ledger.counts(), { waiting: 1, running: 0 });
  t.like((await claimSoon(queue)).job, { id, attempts: 2 });
});

test.serial('a clock that is set right by less than a lease ends no lease', async (t) => {
  const room = await sqliteRoom(t);
  const { queue } = await ready(room.open());
  const id = await queue.push(newJob());
  const claim = await claimSoon(queue);

  wasAhead(room, LONG_LEASE_MS / 2);

  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
  t.is((await queue.ledger.find(id))?.state, 'running');
  t.true(await queue.done(claim));
});
