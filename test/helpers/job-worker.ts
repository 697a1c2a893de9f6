import type { ExecutionContext } from 'ava';
import type { JobRule } from '../../src/contract/job-rule.ts';
import type { Queue } from '../../src/contract/store.ts';
import { Worker, type WorkerParts } from '../../src/jobs/worker.ts';
import { logFolder } from './log-folder.ts';
import { untilResult } from './until-result.ts';

export interface RunningWorker {
  readonly worker: Worker;
  /** Resolves with the lines of its log that match, once there are so many. */
  logged(message: RegExp, count?: number): Promise<readonly Record<string, unknown>[]>;
  /** The lines of its log so far that match. */
  lines(message: RegExp): Promise<readonly Record<string, unknown>[]>;
}

/** Starts a worker with a log of its own. It is closed, without grace, when the test ends. */
export async function startWorker(
  t: ExecutionContext,
  queue: Queue,
  rules: readonly JobRule[],
  parts: Partial<WorkerParts> = {},
): Promise<RunningWorker> {
  const folder = await logFolder(t);
  const worker = new Worker({ queue, log: folder.open(), rules, concurrency: 20, functionConcurrency: 5, ...parts });
  worker.start();
  t.teardown(() => worker.close(0));
  const lines = async (pattern: RegExp): Promise<readonly Record<string, unknown>[]> =>
    (await folder.lines('error.log')).filter(({ message }) => pattern.test(String(message)));
  return {
    worker,
    lines,
    logged: (message, count = 1) =>
      untilResult(
        () => lines(message),
        (found) => found.length >= count,
      ),
  };
}
