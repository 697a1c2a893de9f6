import type { SiteCode } from './site-code.ts';

/** How all jobs of one name are run. */
export interface JobRule {
  /** Name under which jobs are stored: the same after a restart and in every container of the site, e.g. `netlify/report-background`. */
  readonly name: string;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** Five fields or one of @hourly, @daily, @weekly, @monthly, @yearly: the clock pushes the jobs. */
  readonly schedule?: string;
  /** IANA name of the time zone of the schedule. Default: UTC. */
  readonly timezone?: string;
  readonly timeoutMs: number;
  /** The wait after each failure. A job that fails after the last wait is dead. */
  readonly retryAfterMs: readonly number[];
  /** The code that `run` calls. */
  readonly code?: SiteCode;
  /** Rejects when the attempt failed. */
  run(attempt: JobAttempt): Promise<void>;
}

/** One run of a job. */
export interface JobAttempt {
  readonly id: string;
  readonly payload: Uint8Array;
  /** Starts at 1. */
  readonly number: number;
  /** Aborts at the time limit, or when the process is stopped. */
  readonly signal: AbortSignal;
  /** The next run of the schedule; milliseconds since the epoch. */
  readonly nextRunAtMs?: number;
}

/** Accepts work that outlives its request and the process. */
export interface JobIntake {
  /** Resolves with the job's id once it is stored. Rejects with `store_unavailable`. */
  push(rule: string, payload: Uint8Array): Promise<string>;
  /** Stores a job of the rule unless any process has done so for this key. `key`: without spaces. True if the job was stored now. Rejects with `store_unavailable`. */
  pushOnce(rule: string, key: string, payload: Uint8Array): Promise<boolean>;
}
