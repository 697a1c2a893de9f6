import type { Claim, JobFilter, JobRecord, JobState, NewJob, Tick, TickOutcome } from '../../contract/store.ts';
import type { BlobVerbs } from './blob-verbs.ts';

/** A claim without its job, which the thread does not need. */
export interface Hold {
  readonly id: string;
  readonly lease: string;
}

/** The verbs of the thread that uses the database. Each is one whole step. */
export interface Verbs extends BlobVerbs {
  push(job: NewJob): string;
  claim(rules: readonly string[], leaseMs: number): Claim | undefined;
  extend(hold: Hold, leaseMs: number): boolean;
  done(hold: Hold): boolean;
  again(hold: Hold, dueAtMs: number, reason: string | undefined): boolean;
  bury(hold: Hold, reason: string): boolean;
  tick(tick: Tick): TickOutcome;

  list(filter: JobFilter): readonly JobRecord[];
  find(id: string): JobRecord | undefined;
  counts(): Readonly<Record<JobState, number>>;
  retry(id: string): boolean;
  drop(id: string): boolean;

  get(namespace: string, key: string): Uint8Array | undefined;
  put(namespace: string, key: string, value: Uint8Array, ttlMs: number | undefined): void;
  delete(namespace: string, key: string): void;
  keys(namespace: string, prefix: string, limit: number, after: string | undefined): readonly string[];
}

export type VerbName = keyof Verbs;

/** A verb on an open database. `run` does it. */
export interface Step<Verb extends (...args: never[]) => unknown> {
  readonly run: Verb;
  /** Whether it will change data. Only then it needs a transaction, and the only write lock. */
  readonly writes: (...args: Parameters<Verb>) => boolean;
  /** About how many bytes of new data it stores. Absent for verbs that finish, delete or read. */
  readonly takes?: (...args: Parameters<Verb>) => number;
  /** The arguments to use instead if there is no room for the data. Absent: the verb is refused. */
  readonly without?: (...args: Parameters<Verb>) => Parameters<Verb>;
}

export type Steps = { readonly [Name in VerbName]: Step<Verbs[Name]> };

export const always = (): boolean => true;
export const never = (): boolean => false;
