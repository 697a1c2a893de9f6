/** How the jobs of one name are run. */
export interface JobRule {
  /** Under which jobs are stored: the same after a restart and in every container of the site, e.g. `netlify/report-background`. */
  readonly name: string;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** Five fields or one of @hourly, @daily, @weekly, @monthly, @yearly, in UTC: then jobs are pushed by the clock. */
  readonly schedule?: string;
  readonly timeoutMs: number;
  /** After each failure the next wait; after the last one a job that fails again is set aside. */
  readonly retryAfterMs: readonly number[];
  /** Rejects when the attempt failed. */
  run(attempt: JobAttempt): Promise<void>;
}

/** One run of a job. */
export interface JobAttempt {
  readonly id: string;
  readonly payload: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Aborts when the time is up or the process has to end. */
  readonly signal: AbortSignal;
  /** When a schedule is due next; milliseconds since the epoch. */
  readonly nextRunAtMs?: number;
}

/** Takes work that outlives its request, and its process. */
export interface JobIntake {
  /** Resolves with the job's id once it is stored. Rejects with `store_unavailable`. */
  push(rule: string, payload: Uint8Array): Promise<string>;
}
