/** The last run of a job rule, as the developer sees it. */
export interface JobFact {
  readonly rule: string;
  /** Of the job. */
  readonly id: string;
  readonly state: 'started' | 'done' | 'failed' | 'ended';
  /** Of this state, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly tookMs?: number;
  /** Why it is not done; the place in the code, if there is one. */
  readonly reason?: string;
  readonly place?: string;
}

/** How the last run of each job rule ended. */
export class JobHistory {
  readonly #last = new Map<string, JobFact>();

  get all(): readonly JobFact[] {
    return [...this.#last.values()];
  }

  /** The job may have ended before. */
  begin(rule: string, id: string): void {
    if (this.#last.get(rule)?.id !== id) this.#last.set(rule, { rule, id, state: 'started', atMs: Date.now() });
  }

  end(fact: Omit<JobFact, 'atMs'>): void {
    this.#last.set(fact.rule, { ...fact, atMs: Date.now() });
  }
}
