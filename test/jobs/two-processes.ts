import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/stores/open.ts';
import { startJobProcess } from '../helpers/job-process.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready } from '../helpers/sqlite-store.ts';
import { untilResult } from '../helpers/until-result.ts';

const SHARED = { leaseMs: 15_000, concurrency: 3, longestRunMs: 10 };

/** The lines that the processes wrote: the process and its text. */
async function read(ledger: string): Promise<readonly (readonly [name: string, text: string])[]> {
  const lines = (await readFile(ledger, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => line.split(' ')).map(([name = '', text = '']) => [name, text]);
}

test('two processes on one Redis share the work: each job runs once, and both run some', async (t) => {
  const env = { REDIS_URL: (await startRedis(t)).url };
  const ledger = join(await siteFolder(t, { ledger: '' }), 'ledger');
  await startJobProcess(t, { ...SHARED, env, ledger });
  await startJobProcess(t, { ...SHARED, env, ledger });
  const store = openStore(readConfig({ env }), (await logFolder(t)).open());
  t.teardown(() => store.close());
  const { queue } = await ready(store);
  const push = (): Promise<string> => queue.push(newJob({ rule: 'work' }));
  // Long enough for both processes to start.
  await untilResult(
    async () =>
      new Set(
        await push()
          .then(() => read(ledger))
          .then((lines) => lines.map(([name]) => name)),
      ).size,
    (processes) => processes === 2,
  );

  const pushed = await Promise.all(Array.from({ length: 300 }, push));

  await untilResult(
    () => queue.ledger.counts(),
    ({ waiting, running }) => waiting + running === 0,
  );
  const ran = (await read(ledger)).filter(([, what]) => pushed.includes(what));
  t.deepEqual(ran.map(([, what]) => what).toSorted(), pushed.toSorted());
  const shares = [...Map.groupBy(ran, ([name]) => name).values()].map(({ length }) => length);
  t.log(`the shares of 300 jobs: ${shares.join(' and ')}`);
  t.is(shares.length, 2);
  t.true(Math.min(...shares) >= 30, shares.join(' and '));
});

test('two processes on one Redis run each time of a schedule once', async (t) => {
  const env = { REDIS_URL: (await startRedis(t)).url };
  const ledger = join(await siteFolder(t, { ledger: '' }), 'ledger');
  const setup = { ...SHARED, env, ledger, schedule: '* * * * *', startMs: Date.now() };
  await startJobProcess(t, setup);
  await startJobProcess(t, setup);

  const { length } = await untilResult(
    () => read(ledger),
    (lines) => lines.length > 0,
  );
  const ran = await untilResult(
    () => read(ledger),
    (lines) => lines.length >= length + 4,
  );

  const moments = ran.map(([, what]) => Number(what));
  t.log(
    `by ${new Set(ran.map(([name]) => name)).size} processes: ${moments.map((ms) => new Date(ms).toISOString().slice(11, 16)).join(' ')}`,
  );
  t.is(new Set(moments).size, moments.length);
  t.true(moments.every((ms) => ms % 60_000 === 0));
  t.deepEqual(moments, moments.toSorted());
});
