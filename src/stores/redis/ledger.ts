import type { JobFilter, JobRecord, JobState, Ledger } from '../../contract/store.ts';
import type { Connection } from './connection.ts';
import { COUNTS, DROP, FIND, LIST, RETRY } from './ledger-scripts.ts';
import { toJob, toList, toNumber, toText } from './reply.ts';

/** Jobs that one call reads. With payloads of 256 KiB this blocks Redis for some milliseconds. */
const PAGE = 50;

export class RedisLedger implements Ledger {
  readonly #connection: Connection;
  readonly #root: string;

  constructor(connection: Connection, root: string) {
    this.#connection = connection;
    this.#root = root;
  }

  /** Reads page by page, so a job that changes meanwhile may be missing. */
  async list({ state, rule = '', limit, after = '' }: JobFilter): Promise<readonly JobRecord[]> {
    const records: JobRecord[] = [];
    let previous = after;
    while (records.length < limit) {
      // With a filter by rule, a page may contain few matching jobs.
      const most = rule === '' ? Math.min(PAGE, limit - records.length) : PAGE;
      const reply = await this.#connection.run(LIST, this.#root, most, previous, state ?? '', rule);
      const [last, found] = toList(reply);
      records.push(...toList(found).map(toRecord));
      previous = toText(last);
      if (previous === '') break;
    }
    return records.slice(0, limit);
  }

  async find(id: string): Promise<JobRecord | undefined> {
    const reply = await this.#connection.run(FIND, this.#root, id);
    return reply === null ? undefined : toRecord(reply);
  }

  async counts(): Promise<Readonly<Record<JobState, number>>> {
    const [waiting, running, dead] = toList(await this.#connection.run(COUNTS, this.#root));
    return { waiting: toNumber(waiting), running: toNumber(running), dead: toNumber(dead) };
  }

  async retry(id: string): Promise<boolean> {
    return (await this.#connection.run(RETRY, this.#root, id)) === 1;
  }

  async drop(id: string): Promise<boolean> {
    return (await this.#connection.run(DROP, this.#root, id)) === 1;
  }
}

function toRecord(reply: unknown): JobRecord {
  const parts = toList(reply);
  const [state, pushedAt, reason, leaseEnd] = parts.slice(7);
  const leaseEndsAtMs = toText(leaseEnd);
  return {
    ...toJob(parts),
    state: toText(state) as JobState, // the scripts return no other
    pushedAtMs: toNumber(pushedAt),
    reason: toText(reason),
    ...(leaseEndsAtMs !== '' && { leaseEndsAtMs: Number(leaseEndsAtMs) }),
  };
}
