/**
 * Where state lives that outlives a request or the process. Two stores keep one contract: SQLite on this machine, and
 * Redis where many containers share one. Every verb is one whole step: it happened entirely or not at all.
 */
export interface Store {
  readonly queue: Queue;
  kv(namespace: string): Kv;
  close(): Promise<void>;
}

/** What is to be done later: by which route, with what, and when first. */
export interface NewJob {
  /** Name of the route whose rule runs the job. */
  readonly route: string;
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch; a job is not claimed before. */
  readonly dueAtMs: number;
}

export interface Job extends NewJob {
  readonly id: string;
  /** How often it was claimed, this time included. */
  readonly attempts: number;
}

/** A job in the hands of one worker until the lease ends; then any worker may claim it again, so it runs at least once. */
export interface Claim {
  readonly job: Job;
  /** Proves to the store that the lease is still this worker's. */
  readonly lease: string;
}

export interface Queue {
  /** Resolves with the job's id once it is stored so that it survives the process. */
  push(job: NewJob): Promise<string>;
  /** The job that is due longest, for `leaseMs`; undefined when none is due. */
  claim(leaseMs: number): Promise<Claim | undefined>;
  /** Resolves with false when the lease had ended: somebody else may be running the job. */
  extend(claim: Claim, leaseMs: number): Promise<boolean>;
  /** The job is done and forgotten. */
  done(claim: Claim): Promise<void>;
  /** The job is given back, to be claimed from `dueAtMs` on. */
  again(claim: Claim, dueAtMs: number): Promise<void>;
  /** The job is set aside for a person to look at, with the reason. */
  bury(claim: Claim, reason: string): Promise<void>;
}

export interface Kv {
  get(key: string): Promise<Uint8Array | undefined>;
  /** `ttlMs`: the entry is gone after it; without, it stays. */
  put(key: string, value: Uint8Array, ttlMs?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys that begin with `prefix`, in byte order, from the first one after `after`. */
  list(prefix: string, limit: number, after?: string): Promise<readonly string[]>;
}
