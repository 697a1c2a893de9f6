import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { readConfig } from '../../src/config/config.ts';
import type { Queue } from '../../src/contract/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { type JobProcess, startJobProcess } from '../helpers/job-process.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready } from '../helpers/sqlite-store.ts';

const JOBS = 1000;
const KILLS = 10;
const CONCURRENCY = 10;

/** Longer than a run, but short, because each kill takes as long. */
const LEASE_MS = 1500;

/** The seed of the times of the kills. */
const SEED = 20261121;

type Env = Readonly<Record<string, string>>;

const STORES: Readonly<Record<string, (t: ExecutionContext) => Promise<Env>>> = {
  SQLite: async (t) => ({ DATA_DIR: await siteFolder(t) }),
  Redis: async (t) => ({ REDIS_URL: (await startRedis(t)).url }),
};

for (const [name, prepare] of Object.entries(STORES)) {
  test.serial(`${name}: each of 1,000 accepted jobs runs, although the process is killed ten times`, async (t) => {
    t.timeout(600_000);
    const env = await prepare(t);
    const ledger = join(await siteFolder(t, { ledger: '' }), 'ledger');
    const queue = await openQueue(t, env);
    const accepted = await accept(queue);
    const random = seeded(SEED);
    const start = (): Promise<JobProcess> =>
      startJobProcess(t, { env, ledger, leaseMs: LEASE_MS, concurrency: CONCURRENCY, longestRunMs: 60 });

    for (let kills = 0; kills < KILLS; kills++) {
      const before = (await read(ledger)).length;
      const victim = await start();
      await untilLonger(ledger, before);
      await delay(random() * 200);
      await victim.kill();
      t.true((await left(queue)) > 0, `no job was left at kill ${kills + 1}`);
    }
    const last = await start();
    await untilDone(queue);
    await last.kill();

    const ran = await read(ledger);
    const times = Map.groupBy(ran, (id) => id);
    const repeats = ran.length - times.size;
    t.log(`${name}: ${accepted.length} jobs, ${KILLS} kills, ${repeats} runs repeated`);
    t.deepEqual([...times.keys()].toSorted(), accepted.toSorted());
    // Only jobs that were claimed at a kill: those that ran, and those whose end was not stored yet.
    t.true(repeats < KILLS * 2 * CONCURRENCY, `${repeats} repeats`);
    t.deepEqual(await queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
  });
}

for (const [name, prepare] of Object.entries(STORES)) {
  test.serial(
    `${name}: a job that kills its process at every attempt runs five times, then it is dead with the reason`,
    async (t) => {
      t.timeout(300_000);
      const env = await prepare(t);
      const ledger = join(await siteFolder(t, { ledger: '' }), 'ledger');
      const queue = await openQueue(t, env);
      const id = await queue.push(newJob({ rule: 'work' }));

      const start = (): Promise<JobProcess> =>
        startJobProcess(t, { env, ledger, leaseMs: LEASE_MS, concurrency: 1, longestRunMs: 1, kills: true });
      // A job that is dead too early would leave a process that nothing ends.
      const done = untilDone(queue);
      for (let runs = 0; runs < 5; runs++) await Promise.race([once((await start()).child, 'exit'), done]);
      await start();
      await done;

      t.deepEqual(await read(ledger), [id, id, id, id, id]);
      t.like(await queue.ledger.find(id), {
        state: 'dead',
        attempts: 6,
        reason: 'the process ended 5 times while it ran',
      });
    },
  );
}

async function openQueue(t: ExecutionContext, env: Env): Promise<Queue> {
  const store = openStore(readConfig({ env }), (await logFolder(t)).open());
  t.teardown(() => store.close());
  return (await ready(store)).queue;
}

async function accept(queue: Queue): Promise<readonly string[]> {
  const ids: string[] = [];
  while (ids.length < JOBS) {
    ids.push(...(await Promise.all(Array.from({ length: 50 }, () => queue.push(newJob({ rule: 'work' }))))));
  }
  return ids;
}

/** The jobs that have run so far, in order. */
async function read(ledger: string): Promise<readonly string[]> {
  const lines = (await readFile(ledger, 'utf8')).split('\n');
  return lines.slice(0, -1).map((line) => line.split(' ')[1] ?? '');
}

async function untilLonger(ledger: string, length: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while ((await read(ledger)).length <= length) {
    if (performance.now() > deadline) throw new Error(`no job has run for ${PATIENCE_MS} ms`);
    await delay(5);
  }
}

async function left(queue: Queue): Promise<number> {
  const { waiting, running } = await queue.ledger.counts();
  return waiting + running;
}

async function untilDone(queue: Queue): Promise<void> {
  const deadline = performance.now() + 4 * PATIENCE_MS;
  while ((await left(queue)) > 0) {
    if (performance.now() > deadline) throw new Error('jobs are left');
    await delay(50);
  }
}

/** A generator of numbers from 0 to 1, equal for equal seeds: the linear congruential generator of Numerical Recipes. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
