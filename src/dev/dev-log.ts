import { stripVTControlCharacters } from 'node:util';
import type { Exchange } from '../contract/exchange.ts';
import type { PrintedText, ProcessLog } from '../contract/log.ts';
import type { Problem } from '../contract/problem.ts';
import { isOwn, toStackFrame } from '../contract/stack-frame.ts';
import { DEV_PAGE } from './dev-page.ts';
import { toErrorReport, toProblemReport } from './error-report.ts';
import type { JobHistory } from './job-history.ts';
import type { RequestHistory } from './request-history.ts';
import type { RequestRecord } from './request-record.ts';
import { spellMs, type Terminal } from './terminal.ts';

/** A request that takes longer is shown before it is over, once its code prints. */
const CALM_MS = 1000;

/** One mistake, such as a removed file that many import, may be an error of each of them. */
const MOST_FRAMES = 3;

/** See src/jobs/ending.ts. */
const JOB_DONE = 'a job is done';

type Details = Readonly<Record<string, unknown>>;

export interface DevLogParts {
  readonly site: string;
  readonly terminal: Terminal;
  readonly history: RequestHistory;
  readonly jobs: JobHistory;
  /** They get every line, too. */
  readonly files: ProcessLog | undefined;
  /** Whether an error is printed with its request. */
  readonly isShown: (error: object) => boolean;
}

/** What `forget` gets for a problem. */
export function toProblemKey({ message, file, line, column }: Problem): string {
  return toKey(file, line, column, message);
}

function toKey(...parts: readonly unknown[]): string {
  return JSON.stringify(parts);
}

/** Shows on the terminal, in a form for people, what else would be lines of log files. */
export class DevLog implements ProcessLog {
  readonly #parts: DevLogParts;
  /** Warnings, and errors of the site, that were printed: each one once, however often the site is read. */
  readonly #printed = new Set<string>();
  /** Errors of this reading that were printed with their code. */
  #frames = 0;

  constructor(parts: DevLogParts) {
    this.#parts = parts;
  }

  /** Of what is no mistake, only the end of a job is of interest here. */
  info(message: string, details: Details = {}): void {
    const { files, terminal } = this.#parts;
    files?.info(message, details);
    this.#noteJob(message, details);
    const { rule, target, ms } = details;
    if (message === JOB_DONE) terminal.job({ rule: String(rule), file: String(target), tookMs: Number(ms) });
  }

  warn(message: string, details: Details = {}): void {
    const { files, terminal } = this.#parts;
    files?.warn(message, details);
    this.#noteJob(message, details);
    if (this.#isShown(details)) return;
    // What fails at run time, e.g. a job, is printed each time.
    if (details.error !== undefined || this.#isNew(message, details))
      terminal.problem('warning', this.#toReport(message, details));
  }

  error(message: string, details: Details = {}): void {
    const { files, terminal } = this.#parts;
    files?.error(message, details);
    this.#noteJob(message, details);
    if (this.#isShown(details)) return;
    const isOfSite = details.error === undefined && typeof details.file === 'string';
    if (isOfSite && !this.#isNew(message, details)) return;
    const report = this.#toReport(message, details);
    const isCut = isOfSite && report.frame !== undefined && this.#frames++ >= MOST_FRAMES;
    terminal.problem('error', isCut ? { ...report, frame: undefined } : report);
  }

  /** Call it after each reading. `keys`: of problems that are mended; if they come again, they are printed again. */
  forget(keys: readonly string[]): void {
    this.#frames = 0;
    for (const key of keys) this.#printed.delete(key);
  }

  #isNew(message: string, { file, target, line, column }: Details): boolean {
    const key = toKey(file ?? target, line, column, message);
    if (this.#printed.has(key)) return false;
    this.#printed.add(key);
    return true;
  }

  access(exchange: Exchange): void {
    const { files, history, terminal } = this.#parts;
    // The pages of nexthop itself ask all the time.
    if (exchange.answeredBy === DEV_PAGE) return;
    files?.access(exchange);
    const record = history.finish(exchange);
    terminal.request(record, { withPrinted: !record.isOnTerminal });
    record.isOnTerminal = true;
  }

  get lostCount(): number {
    return this.#parts.files?.lostCount ?? 0;
  }

  get isFailing(): boolean {
    return this.#parts.files?.isFailing ?? false;
  }

  /** Shown below the line of its request. */
  print(given: PrintedText): void {
    const { files, history, jobs, terminal } = this.#parts;
    files?.print(given);
    const printed = { ...given, text: withoutOwnCalls(given.text) };
    const { job } = given.fields ?? {};
    if (job !== undefined) jobs.print(job, printed);
    const record = history.withId(printed.requestId);
    if (record) {
      record.print(printed);
      history.touch(record);
    }
    if (!record || record.isOnTerminal) terminal.printed(printed);
    // A function that runs long, or a stream, is shown before it ends.
    else if (record.printed.length === 1) setTimeout(() => this.#showOpen(record), CALM_MS).unref();
  }

  reopen(): void {
    this.#parts.files?.reopen();
  }

  async close(deadlineMs: number): Promise<void> {
    await this.#parts.files?.close(deadlineMs);
  }

  #showOpen(record: RequestRecord): void {
    if (record.isOnTerminal) return;
    this.#parts.terminal.open(record);
    record.isOnTerminal = true;
  }

  #isShown({ error }: Details): boolean {
    return typeof error === 'object' && error !== null && this.#parts.isShown(error);
  }

  /** Takes the end of a job out of its line. */
  #noteJob(message: string, { rule, job, ms, error, again_in_ms }: Details): void {
    if (typeof rule !== 'string' || typeof job !== 'string' || typeof ms !== 'number') return;
    const { jobs, site } = this.#parts;
    const ended = { rule, id: job, tookMs: ms };
    if (error === undefined) {
      jobs.end(message === JOB_DONE ? { ...ended, state: 'done' } : { ...ended, state: 'ended', reason: message });
      return;
    }
    const { title, place } = toErrorReport(error, site);
    const again = typeof again_in_ms === 'number' ? `; tried again in ${spellMs(again_in_ms)}` : '';
    jobs.end({ ...ended, state: 'failed', reason: title + again, place });
  }

  #toReport(given: string, { error, file, line, column, target, rule }: Details) {
    const { site } = this.#parts;
    const message = rule === undefined ? given : `${given} (${rule})`;
    if (error === undefined) {
      return toProblemReport(
        {
          message,
          file: String(file ?? target ?? ''),
          ...(typeof line === 'number' && { line }),
          ...(typeof column === 'number' && { column }),
        },
        site,
      );
    }
    const report = toErrorReport(error, site);
    return { ...report, title: `${message}: ${report.title}` };
  }
}

const CALL = /^\s+at /;
const NODE_CALL = /^\s+at .*\bnode:/;

/** A stack trace that code printed, e.g. by `console.error(error)`, ends where nexthop called it. */
function withoutOwnCalls(text: string): string {
  if (!text.includes('\n')) return text;
  let isBelowOwn = false;
  return text
    .split('\n')
    .filter((line) => {
      const plain = stripVTControlCharacters(line);
      const isOwnCall = isOwn(toStackFrame(plain)?.file ?? '');
      isBelowOwn = isOwnCall || (isBelowOwn && CALL.test(plain));
      return !isOwnCall && !(isBelowOwn && NODE_CALL.test(plain));
    })
    .join('\n');
}
