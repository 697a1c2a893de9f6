import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { COMMAND_CALL_TIMEOUT_MS } from '../contract/store.ts';
import { openStore } from '../stores/open.ts';
import { STATE_FILE } from '../stores/sqlite/open.ts';
import { type JobsCall, JobsError, toVerb } from './jobs-call.ts';
import { changeJobs } from './jobs-change.ts';
import { listJobs } from './jobs-list.ts';
import { showJob } from './jobs-show.ts';
import { NoteLog } from './note-log.ts';

/**
 * Shows or changes the jobs in the store of a site, whether the module runs or not. Resolves with
 * the exit code: 1 if a job does not exist or cannot be changed. Rejects with a JobsError if the
 * store cannot be used, with a UsageError if the arguments are invalid.
 */
export async function jobs(config: Config, out: (line: string) => void, call: JobsCall): Promise<number> {
  const { verb, ids } = toVerb(call);
  // Reading must not create a store, least of all in a folder that was given by mistake.
  if (!config.REDIS_URL && !existsSync(join(config.DATA_DIR, STATE_FILE))) {
    throw new JobsError(
      `there is no store in ${config.DATA_DIR}; choose another site with --site=PATH, or another folder with DATA_DIR`,
    );
  }
  try {
    // The error contains what the store would log.
    const store = openStore(config, new NoteLog([]), { callTimeoutMs: COMMAND_CALL_TIMEOUT_MS });
    try {
      const { ledger } = store.queue;
      if (verb === 'list') return await listJobs(ledger, out, call);
      const [id = ''] = ids;
      if (verb === 'show') return await showJob(ledger, out, { id, json: call.json });
      return await changeJobs(ledger, out, { verb, ids, ...call });
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'store_unavailable') throw error;
    throw new JobsError(`${toLocation(config)}: ${toReasons(error)}`, { cause: error });
  }
}

/** The location of the store and what to check, without its password. */
function toLocation({ REDIS_URL, DATA_DIR }: Config): string {
  if (!REDIS_URL)
    return `the store in ${DATA_DIR} cannot be used; check DATA_DIR, or --site=PATH, and who may write there`;
  const nodes = REDIS_URL.nodes.map(({ host, port }) => `${host}:${port}`).join(', ');
  return `Redis at ${nodes} cannot be used; check REDIS_URL, and whether this machine reaches it`;
}

/** The message, and those of its causes that add something. */
function toReasons(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error) || error.message.includes(cause.message)) return error.message;
  return `${error.message}: ${toReasons(cause)}`;
}
