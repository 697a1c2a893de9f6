import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { logFolder } from '../helpers/log-folder.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { type SettableClock, settableClock } from '../helpers/settable-clock.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready, sqliteFolder } from '../helpers/sqlite-store.ts';
import { untilResult } from '../helpers/until-result.ts';

const SRC = new URL('../../src/', import.meta.url).href;

/** Appends a line at the start of each run. The run of 'long' ends when the file `release` exists. */
const WORKER = `
  import { appendFileSync, existsSync } from 'node:fs';
  import { setTimeout as wait } from 'node:timers/promises';
  import { Worker } from '${SRC}jobs/worker.ts';
  import { openLog } from '${SRC}log/open.ts';
  import { SqliteQueue } from '${SRC}stores/sqlite/queue.ts';
  import { StateThread } from '${SRC}stores/sqlite/state-thread.ts';

  const { file, entry, folder, dir } = JSON.parse(process.argv[1]);
  const log = openLog({ dir, level: 'info', stdout: false, shortAddresses: false });
  const thread = new StateThread({ file, fsync: false, log, onChange: () => queue.announce(), entry: new URL(entry) });
  const queue = new SqliteQueue(thread);
  const rule = (name) => ({
    name,
    file: 'work.js',
    timeoutMs: 0,
    retryAfterMs: [],
    async run() {
      appendFileSync(folder + '/runs', name + ' ' + process.pid + '\\n');
      while (name === 'long' && !existsSync(folder + '/release')) await wait(20);
    },
  });
  const rules = [rule('long'), rule('own ' + process.pid)];
  new Worker({ queue, log, rules, concurrency: 2, functionConcurrency: 1, leaseMs: 1000 }).start();
  appendFileSync(folder + '/runs', 'starts ' + process.pid + '\\n');
`;

/** Starts a process with a worker on a state file, and with a clock that the test sets. */
async function startWorker(t: ExecutionContext, file: string, folder: string, clock: SettableClock): Promise<number> {
  const { dir } = await logFolder(t);
  const setup = JSON.stringify({ file, entry: clock.threadEntry.href, folder, dir });
  const args = ['--import', clock.module, '--input-type=module', '--eval', WORKER, setup];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  t.teardown(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return child.pid ?? 0;
}

for (const [where, aheadMs] of [
  ['forward', 7_200_000],
  ['back', -7_200_000],
] as const) {
  test.serial(`a job of two processes runs once, although the clock is set ${where} by two hours`, async (t) => {
    const { file, open } = await sqliteFolder(t);
    const { queue } = await ready(open());
    const clock = await settableClock(t);
    const folder = await siteFolder(t, { runs: '' });
    const runs = async () => (await readFile(join(folder, 'runs'), 'utf8')).split('\n').slice(0, -1);
    const untilRun = (line: string) => untilResult(runs, (lines) => lines.includes(line));
    const pids = [await startWorker(t, file, folder, clock), await startWorker(t, file, folder, clock)];
    for (const pid of pids) await untilRun(`starts ${pid}`);
    const id = await queue.push(newJob({ rule: 'long' }));
    await untilResult(runs, (lines) => lines.some((line) => line.startsWith('long ')));

    await clock.set(aheadMs);
    // Each process claims until no job is due. Its own first job shows that it has claimed since then, its second one that it has finished that round.
    for (let round = 0; round < 2; round++) {
      for (const pid of pids) await queue.push(newJob({ rule: `own ${pid}` }));
      const isEach = (lines: readonly string[]) =>
        pids.every((pid) => lines.filter((line) => line === `own ${pid} ${pid}`).length > round);
      await untilResult(runs, isEach);
    }
    await writeFile(join(folder, 'release'), '');
    await untilResult(
      () => queue.ledger.find(id),
      (record) => record === undefined,
    );

    t.is((await runs()).filter((line) => line.startsWith('long ')).length, 1);
  });
}
