import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { type JobsCall, JobsError, toVerb } from './jobs-call.ts';
import { changeJobs } from './jobs-change.ts';
import { listJobs } from './jobs-list.ts';
import { showJob } from './jobs-show.ts';
import { explainNoStore, useStore } from './use-store.ts';

/**
 * Shows or changes the jobs in the store of a site, whether the module runs or not. Resolves with
 * the exit code: 1 if a job does not exist or cannot be changed. Rejects with a JobsError if the
 * store cannot be used, with a UsageError if the arguments are invalid.
 */
export async function jobs(config: Config, out: (line: string) => void, call: JobsCall): Promise<number> {
  const { verb, ids } = toVerb(call);
  const noStore = explainNoStore(config);
  if (noStore !== undefined) throw new JobsError(noStore);
  try {
    return await useStore(config, async ({ queue: { ledger } }) => {
      if (verb === 'list') return listJobs(ledger, out, call);
      const [id = ''] = ids;
      if (verb === 'show') return showJob(ledger, out, { id, json: call.json });
      return changeJobs(ledger, out, { verb, ids, ...call });
    });
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
