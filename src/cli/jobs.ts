import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { guardProcess } from '../process/process-guard.ts';
import { defineCommand } from './command.ts';
import { enterSite } from './enter-site.ts';
import { type JobsCall, JobsError, toVerb } from './jobs-call.ts';
import { changeJobs } from './jobs-change.ts';
import { listJobs, SCHEDULES_HINT } from './jobs-list.ts';
import { listSchedules } from './jobs-schedules.ts';
import { showJob } from './jobs-show.ts';
import { NoteLog } from './note-log.ts';
import { explainNoStore, useStore } from './use-store.ts';

export const command = defineCommand({
  forms: ['jobs [list]', 'jobs schedules', 'jobs show ID', 'jobs retry ID...', 'jobs drop ID...'],
  about:
    'Lists the jobs of background and scheduled functions that wait, run or are dead, shows one of them, makes jobs due now, or deletes them; whether nexthop runs or not. Lists the schedules of the site and their next runs.',
  words: 'own',
  flags: {
    json: { about: 'list, schedules, show: print JSON' },
    state: { value: 'STATE', about: 'list: only those that are waiting, running or dead' },
    rule: { value: 'NAME', about: 'list; retry and drop with --all: only those of one function' },
    limit: { value: 'COUNT', about: 'list: at most this many; default: 50' },
    all: { about: 'retry, drop: all dead jobs' },
  },
  examples: [
    ['nexthop jobs --state=dead', 'the jobs that failed after their last retry'],
    [
      'nexthop jobs retry --all --rule=netlify/mail-background --site=my-site',
      'runs the dead jobs of one function again',
    ],
  ],
  exits: { 0: 'done', 1: 'a job does not exist or runs, or the store cannot be used' },
  run: ({ config, out, flags, words }) => {
    if (words[0] === 'schedules') {
      // It loads the code of the site.
      enterSite(config);
      guardProcess({ log: new NoteLog([]), site: config.site });
    }
    return jobs(config, out, { ...flags, words });
  },
});

/**
 * Shows or changes the jobs in the store of a site, whether the module runs or not. Resolves with
 * the exit code: 1 if a job does not exist or cannot be changed. Rejects with a JobsError if the
 * store cannot be used, with a UsageError if the arguments are invalid.
 */
export async function jobs(config: Config, out: (line: string) => void, call: JobsCall): Promise<number> {
  const { verb, ids } = toVerb(call);
  if (verb === 'schedules') return listSchedules(config, out, call);
  const noStore = explainNoStore(config);
  if (noStore !== undefined) throw new JobsError(verb === 'list' ? `${noStore}\n${SCHEDULES_HINT}` : noStore);
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
