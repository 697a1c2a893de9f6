import type { PrintedText } from '../contract/log.ts';

/** A text that the code of a job printed. */
export interface JobLine extends Pick<PrintedText, 'level' | 'text'> {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

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

/** A run with the last lines that its code printed, also in earlier attempts. */
export interface PrintingJob extends JobFact {
  readonly printed: readonly JobLine[];
}

/** Lines of earlier jobs, and earlier lines of a job, are dropped. */
const MOST_JOBS = 100;
const MOST_LINES = 200;

/** How the last run of each job rule ended, and what it printed. */
export class JobHistory {
  readonly #last = new Map<string, JobFact>();
  /** By the id of the job. What it prints may be known before and after its fact. */
  readonly #lines = new Map<string, JobLine[]>();

  get all(): readonly PrintingJob[] {
    return [...this.#last.values()].map((fact) => ({ ...fact, printed: this.#lines.get(fact.id) ?? [] }));
  }

  /** The job may have ended before. */
  begin(rule: string, id: string): void {
    if (this.#last.get(rule)?.id !== id) this.#last.set(rule, { rule, id, state: 'started', atMs: Date.now() });
  }

  print(id: string, { level, text }: Pick<PrintedText, 'level' | 'text'>): void {
    const lines = this.#lines.get(id) ?? [];
    lines.push({ level, text, atMs: Date.now() });
    if (lines.length > MOST_LINES) lines.shift();
    this.#lines.set(id, lines);
    const [oldest] = this.#lines.keys();
    if (this.#lines.size > MOST_JOBS && oldest !== undefined) this.#lines.delete(oldest);
  }

  end(fact: Omit<JobFact, 'atMs'>): void {
    const before = this.#last.get(fact.rule);
    if (before && before.id !== fact.id) this.#lines.delete(before.id);
    this.#last.set(fact.rule, { ...fact, atMs: Date.now() });
  }
}
