import type { BlobLimits, BlobStorage } from './blob-storage.ts';
import type { CacheStore } from './cache-store.ts';
import type { SharedLimiter } from './rate-limit.ts';

/**
 * Storage for data that outlives a request or the process. There are two implementations: SQLite for one machine, and
 * Redis for several containers. Every call is atomic: it is executed completely or not at all.
 *
 * If the store is unreachable, full or broken, a call rejects within a second with the Fault `store_unavailable`. The store
 * recovers without a restart.
 */
export interface Store {
  readonly queue: Queue;
  /** The entries of one namespace. Other namespaces do not contain them. */
  kv(namespace: string): Kv;
  blobs(limits: BlobLimits): BlobStorage;
  /** What is shared about cached responses. Call it once. `limitBytes`: of the entries; Redis has its own limit. */
  cache(limitBytes: number): CacheStore;
  /** Counts of rate limits. Undefined: this store keeps none, because a write for each request costs more than the request. */
  readonly limiter?: SharedLimiter;
  /** Closes the store after pending calls, which are executed or reject. */
  close(): Promise<void>;
}

/** Longest wait for a call of a store by a request: it leaves time to answer within a second. */
export const CALL_TIMEOUT_MS = 900;

/** The same for a command: a person can wait longer, e.g. on a machine whose other processes use all cores. */
export const COMMAND_CALL_TIMEOUT_MS = 10_000;

/** Work for later: the rule that runs it, its data, and its first due time. */
export interface NewJob {
  /** Name of the rule that runs the job. */
  readonly rule: string;
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch; the job is not claimed before. */
  readonly dueAtMs: number;
}

export interface Job extends NewJob {
  /** Unique among all past and present jobs, and the same at each attempt. Sorts by the time of the push. */
  readonly id: string;
  /** Number of claims, including this one. */
  readonly attempts: number;
  /** Number of failed attempts. */
  readonly failures: number;
  /** Number of attempts whose lease ended without a result, because the process ended or was blocked. */
  readonly vanished: number;
}

/** A job that one worker has until the lease ends. Then any worker may claim it again, so each job runs at least once. */
export interface Claim {
  readonly job: Job;
  /** Identifies this claim: the store compares it with the current claim of the job. */
  readonly lease: string;
}

/** A time at which a schedule runs its rule. */
export interface Tick {
  readonly rule: string;
  /** Its text, e.g. `0 3 * * *`. A rule with a changed schedule counts as new, so that past times of the new schedule do not count as missed. */
  readonly schedule: string;
  /** Milliseconds since the epoch, equal in every process for the same time of the schedule. */
  readonly atMs: number;
  readonly payload: Uint8Array;
}

/**
 * The result of a tick. 'first': the rule is new to the store, which counts from this tick on; no job is pushed.
 * 'known': this time or a later one was decided before; a time more than a minute ahead comes from a wrong clock and is
 * ignored. 'busy': the previous run waits or still runs; this one is skipped, and known from then on.
 */
export type TickOutcome = 'pushed' | 'first' | 'known' | 'busy';

/**
 * Every method with a claim resolves with false and changes nothing if the lease has ended and another worker has claimed or ended the job.
 */
export interface Queue {
  /** Stores a job. Resolves with its id when the job survives the end of the process. */
  push(job: NewJob): Promise<string>;
  /** Claims the job of these rules that has been due longest, for `leaseMs`. Undefined if none is due. A job whose lease has ended is due. */
  claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined>;
  extend(claim: Claim, leaseMs: number): Promise<boolean>;
  /** Deletes a job that is done. */
  done(claim: Claim): Promise<boolean>;
  /** Gives a job back, to be claimed from `dueAtMs` on. With a reason the attempt counts as a failure. */
  again(claim: Claim, dueAtMs: number, reason?: string): Promise<boolean>;
  /** Sets a job aside as dead, with the reason. The attempt counts as a failure. */
  bury(claim: Claim, reason: string): Promise<boolean>;
  /** Pushes a job for the tick, due now, unless a process has for this time or a later one, or a job of the rule waits or runs. */
  tick(tick: Tick): Promise<TickOutcome>;
  /** Calls `listener` when a job may have become due, in this or another process. Notifications can be lost, so callers must also poll. Returns a function that removes the listener. */
  onPush(listener: () => void): () => void;
  readonly ledger: Ledger;
}

/** A job whose lease has ended is waiting. */
export type JobState = 'waiting' | 'running' | 'dead';

/** A job for operators. */
export interface JobRecord extends Job {
  readonly state: JobState;
  readonly pushedAtMs: number;
  /** Reason of the last failure or of the death of the job; '' without one. */
  readonly reason: string;
  /** Only of a running job. */
  readonly leaseEndsAtMs?: number;
}

export interface JobFilter {
  readonly state?: JobState;
  readonly rule?: string;
  readonly limit: number;
  /** Only jobs whose id sorts after this one. */
  readonly after?: string;
}

/** Operations for operators. */
export interface Ledger {
  /** Oldest push first. */
  list(filter: JobFilter): Promise<readonly JobRecord[]>;
  find(id: string): Promise<JobRecord | undefined>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
  /** Makes a dead or waiting job due now, with all attempts again. False for other jobs. */
  retry(id: string): Promise<boolean>;
  /** Deletes a dead or waiting job. False for other jobs: a running job cannot be stopped. */
  drop(id: string): Promise<boolean>;
}

export interface Kv {
  get(key: string): Promise<Uint8Array | undefined>;
  /** `ttlMs`: the lifetime of the entry; without it the entry stays. */
  put(key: string, value: Uint8Array, ttlMs?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys that begin with `prefix`, in byte order, from the first one after `after`. */
  list(prefix: string, limit: number, after?: string): Promise<readonly string[]>;
}
