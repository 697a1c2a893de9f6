import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { logFolder } from './log-folder.ts';

const SRC = new URL('../../src/', import.meta.url).href;

export interface JobProcessSetup {
  /** Settings that name the store. */
  readonly env: Readonly<Record<string, string>>;
  /** The file to which each run appends a line: the process's id, and the job's; for a schedule the moment instead. */
  readonly ledger: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  /** Each run takes a random time up to this. */
  readonly longestRunMs: number;
  /** Each run kills the process. */
  readonly kills?: boolean;
  /** The rule has a schedule, for which a minute passes in a second, beginning two hours before `startMs`. */
  readonly schedule?: string;
  readonly startMs?: number;
}

export interface JobProcess {
  readonly child: ChildProcess;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Starts a process whose worker runs the jobs of the rule 'work'. Ended, like with SIGKILL, when the test ends. */
export async function startJobProcess(t: ExecutionContext, setup: JobProcessSetup): Promise<JobProcess> {
  const { dir } = await logFolder(t);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT, JSON.stringify({ ...setup, dir })], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  t.teardown(kill);
  return { child, kill };
}

const SCRIPT = `
  import { appendFileSync } from 'node:fs';
  import { readConfig } from '${SRC}config/config.ts';
  import { Clock } from '${SRC}jobs/clock.ts';
  import { Worker } from '${SRC}jobs/worker.ts';
  import { openLog } from '${SRC}log/open.ts';
  import { openStore } from '${SRC}stores/open.ts';

  const { env, ledger, leaseMs, concurrency, longestRunMs, kills, schedule, startMs, dir } = JSON.parse(process.argv[1]);
  const log = openLog({ dir, level: 'info', stdout: false, shortAddresses: false });
  const { queue } = openStore(readConfig({ env }), log);
  const rule = {
    name: 'work',
    file: 'work.js',
    schedule,
    timeoutMs: 60_000,
    retryAfterMs: [],
    async run({ id, payload }) {
      const what = schedule ? JSON.parse(Buffer.from(payload)).tickMs : id;
      // One append, so that a line of a killed process is complete or absent.
      appendFileSync(ledger, process.pid + ' ' + what + '\\n');
      if (kills) process.kill(process.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestRunMs));
    },
  };
  new Worker({ queue, log, rules: [rule], concurrency, functionConcurrency: concurrency, leaseMs }).start();
  if (schedule) {
    const time = {
      now: () => startMs - 2 * 3_600_000 + (Date.now() - startMs) * 60,
      after(ms, call) {
        const timer = setTimeout(call, ms / 60);
        return () => clearTimeout(timer);
      },
    };
    new Clock({ queue, log, rules: [rule], time }).start();
  }
`;
