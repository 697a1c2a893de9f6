import test from 'ava';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { openStore } from '../helpers/redis-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

test('running jobs do not wait for a Redis that stops answering, and the worker resumes when it answers again', async (t) => {
  const redis = await startRedis(t);
  const { queue } = openStore(t, redis.url).store;
  const ran: string[] = [];
  const go = Promise.withResolvers<void>();
  const rule = jobRule({
    run: async ({ id }) => {
      ran.push(id);
      await go.promise;
    },
  });
  const { worker, logged } = await startWorker(t, queue, [rule]);
  const first = await untilResult(() => queue.push(newJob()).catch(() => ''), Boolean);
  await until(() => worker.size === 1, 'the run');

  redis.freeze();
  go.resolve();
  await logged(/^the store fails: results of jobs are held in memory/);
  t.is(worker.size, 1);
  redis.thaw();

  await untilResult(
    () => queue.ledger.find(first),
    (record) => record === undefined,
  );
  const second = await queue.push(newJob());
  await untilResult(
    () => queue.ledger.find(second),
    (record) => record === undefined,
  );
  t.deepEqual(ran, [first, second]);
});
