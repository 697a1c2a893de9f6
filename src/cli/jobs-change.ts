import type { JobRecord, Ledger } from '../contract/store.ts';
import { inOneLine } from './align.ts';

export interface ChangeCall {
  readonly verb: 'retry' | 'drop';
  readonly ids: readonly string[];
  /** All dead jobs, or those of `rule`, instead of ids. */
  readonly all?: boolean;
  readonly rule?: string;
}

const DONE = { retry: 'is due now', drop: 'is dropped' };

/** Jobs per call to the store: their payloads may be large. */
const PAGE = 50;

/** Makes jobs due now, or drops them. Resolves with 1 if one does not exist or runs. */
export async function changeJobs(ledger: Ledger, out: (line: string) => void, call: ChangeCall): Promise<number> {
  return call.all ? changeAll(ledger, out, call) : changeSome(ledger, out, call);
}

async function changeSome(ledger: Ledger, out: (line: string) => void, { verb, ids }: ChangeCall): Promise<number> {
  let code = 0;
  for (const id of ids) {
    if (await ledger[verb](id)) out(`job ${inOneLine(id)} ${DONE[verb]}`);
    else {
      code = 1;
      out(toRefusal(id, await ledger.find(id), verb));
    }
  }
  return code;
}

function toRefusal(id: string, job: JobRecord | undefined, verb: ChangeCall['verb']): string {
  if (job?.state === 'running') return `job ${job.id} is running: ${verb} it when it has ended`;
  // Between the two queries the job may have ended, or it may wait again.
  return `there is no job ${inOneLine(id)} to ${verb}; nexthop jobs lists those there are`;
}

async function changeAll(ledger: Ledger, out: (line: string) => void, { verb, rule }: ChangeCall): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const page = await ledger.list({
      state: 'dead',
      limit: PAGE,
      ...(rule !== undefined && { rule }),
      ...(after !== undefined && { after }),
    });
    for (const { id } of page) if (await ledger[verb](id)) count++;
    if (page.length < PAGE) break;
    after = page.at(-1)?.id;
  }
  const many = verb === 'retry' ? 'are due now' : 'are dropped';
  out(count === 1 ? `1 dead job ${DONE[verb]}` : `${count} dead jobs ${many}`);
  return 0;
}
