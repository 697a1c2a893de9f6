/**
 * Where state lives that outlives a request or the process. Two stores keep one contract: SQLite on this machine, and
 * Redis where many containers share one. Every verb is one whole step: it happened entirely or not at all.
 *
 * A store that is away, full or broken rejects within a second with the Fault `store_unavailable`; it comes back by itself.
 */
export interface Store {
  readonly queue: Queue;
  /** Entries of one namespace are seen in no other. */
  kv(namespace: string): Kv;
  /** Resolves when nothing is open any more. What is under way is finished first, or rejects. */
  close(): Promise<void>;
}

/** What is to be done later: by which rule, with what, and when first. */
export interface NewJob {
  /** Name of the rule that runs the job. */
  readonly rule: string;
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch; the job is not claimed before. */
  readonly dueAtMs: number;
}

export interface Job extends NewJob {
  /** Unique among all jobs there ever were, and the same at each attempt. Sorts by the time of the push. */
  readonly id: string;
  /** How often it was claimed, this time included. */
  readonly attempts: number;
  /** How many attempts came to a bad end. */
  readonly failures: number;
  /** How many attempts ended with their lease and without a word: the process was gone, or stalled. One that was given back in order is neither. */
  readonly vanished: number;
}

/** A job in the hands of one worker until the lease ends; then any worker may claim it again, so it runs at least once. */
export interface Claim {
  readonly job: Job;
  /** Proves to the store that the lease is still this worker's. */
  readonly lease: string;
}

/** A moment at which a schedule wants its rule to run. */
export interface Tick {
  readonly rule: string;
  /** As written, e.g. `0 3 * * *`. A rule with another one than before is unheard of, so that no moment counts as missed under which it never stood. */
  readonly schedule: string;
  /** Milliseconds since the epoch, the same in every process for the same moment of the schedule. */
  readonly atMs: number;
  readonly payload: Uint8Array;
}

/**
 * What came of a tick. 'first': the store had never heard of the rule and takes the tick as the time from which it counts; nothing is pushed.
 * 'known': that moment, or a later one, was decided before; one that lies over a minute ahead comes from a clock that was wrong, and does
 * not count. 'busy': the run before it waits or still runs; this one is left out, and known from then on.
 */
export type TickOutcome = 'pushed' | 'first' | 'known' | 'busy';

/**
 * Every verb that takes a claim resolves with false, and does nothing, when its lease had ended and somebody else took the job or ended it.
 */
export interface Queue {
  /** Resolves with the job's id once it is stored so that it survives the process. */
  push(job: NewJob): Promise<string>;
  /** Of the jobs of these rules that is due longest, for `leaseMs`; undefined when none is due. A job whose lease ended is due. */
  claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined>;
  extend(claim: Claim, leaseMs: number): Promise<boolean>;
  /** The job is done and forgotten. */
  done(claim: Claim): Promise<boolean>;
  /** The job is given back, to be claimed from `dueAtMs` on. With a reason it counts as a failure. */
  again(claim: Claim, dueAtMs: number, reason?: string): Promise<boolean>;
  /** The job is set aside for a person to look at, with the reason. Counts as a failure. */
  bury(claim: Claim, reason: string): Promise<boolean>;
  /** Pushes a job for the tick, due at once, if no process has for this moment or a later one and none of the rule waits or runs. */
  tick(tick: Tick): Promise<TickOutcome>;
  /** Calls `listener` when a job may have become due, here or in another process. Best effort: whoever waits must look by itself now and then. Returns how to stop. */
  onPush(listener: () => void): () => void;
  readonly ledger: Ledger;
}

/** A job whose lease ended waits. */
export type JobState = 'waiting' | 'running' | 'dead';

/** A job as a person sees it. */
export interface JobRecord extends Job {
  readonly state: JobState;
  readonly pushedAtMs: number;
  /** Of the last failure, or why it is dead; '' for none. */
  readonly reason: string;
  /** Only while it runs. */
  readonly leaseEndsAtMs?: number;
}

export interface JobFilter {
  readonly state?: JobState;
  readonly rule?: string;
  readonly limit: number;
  /** Only jobs whose id sorts behind this one. */
  readonly after?: string;
}

/** What a person may ask of the queue, and do to it. */
export interface Ledger {
  /** Oldest push first. */
  list(filter: JobFilter): Promise<readonly JobRecord[]>;
  find(id: string): Promise<JobRecord | undefined>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
  /** A dead or waiting job is due at once, with all its tries before it. False for any other. */
  retry(id: string): Promise<boolean>;
  /** A dead or waiting job is forgotten. False for any other: what runs cannot be taken back. */
  drop(id: string): Promise<boolean>;
}

export interface Kv {
  get(key: string): Promise<Uint8Array | undefined>;
  /** `ttlMs`: the entry is gone after it; without, it stays. */
  put(key: string, value: Uint8Array, ttlMs?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys that begin with `prefix`, in byte order, from the first one after `after`. */
  list(prefix: string, limit: number, after?: string): Promise<readonly string[]>;
}
