import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { LONG_LEASE_MS, newJob } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { storeFault } from '../../helpers/store-fault.ts';
import { untilResult } from '../../helpers/until-result.ts';

test('the next claim returns the job of a claim whose reply was lost, once', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  const { queue } = store;
  const other = openStore(t, server.url, { prefix, callTimeoutMs: CALL_TIMEOUT_MS }).store.queue;
  const ids = [await queue.push(newJob()), await queue.push(newJob()), await queue.push(newJob())];
  await other.ledger.counts();

  server.freeze();
  await Promise.all([1, 2].map(() => storeFault(t, queue.claim(['mail'], LONG_LEASE_MS))));
  server.thaw();
  await untilResult(
    () => queue.ledger.counts().catch(() => undefined),
    (counts) => counts?.running === 2,
  );

  t.is(
    (await other.claim(['mail'], LONG_LEASE_MS))?.job.id,
    ids[2],
    'the lost claim of another process is not returned',
  );
  const claims = await Promise.all([1, 2, 3].map(() => queue.claim(['mail'], LONG_LEASE_MS)));
  t.deepEqual(claims.map((claim) => claim?.job.id).toSorted(), [ids[0], ids[1], undefined].toSorted());
  t.deepEqual(
    claims.flatMap((claim) => claim?.job.attempts ?? []),
    [1, 1],
  );
  for (const claim of claims) if (claim) t.true(await queue.done(claim));
  t.deepEqual(await queue.ledger.counts(), { waiting: 0, running: 1, dead: 0 });
});

test('a claim that Redis never executed is not returned, and neither is one for other rules', async (t) => {
  const server = await startRedis(t);
  const { queue } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS }).store;
  await queue.push(newJob({ rule: 'other' }));
  server.freeze();
  await storeFault(t, queue.claim(['other'], LONG_LEASE_MS));
  server.thaw();
  await untilResult(
    () => queue.ledger.counts().catch(() => undefined),
    (counts) => counts?.running === 1,
  );

  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
  const id = await queue.push(newJob());
  t.is((await queue.claim(['mail'], LONG_LEASE_MS))?.job.id, id);
});
