import type { Readable } from 'node:stream';
import { toLoadedFile } from './shared-calls.ts';

/** What a worker reported about its calls. It remains after the worker's death. */
export class WorkerCalls {
  #lasting: readonly string[] = [];
  /** How many calls of a route are in progress, while each call is reported. */
  readonly #begun = new Map<string, number>();
  #rest = '';

  /** `onStalled`: called when the event loop of the worker stands still. */
  constructor(reports: Readable, onStalled: () => void) {
    reports.setEncoding('utf8');
    // The worker has ended, which its process reports.
    reports.on('error', () => {});
    reports.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#receive(toReport(line), onStalled);
    });
  }

  /** The routes with a call in progress. */
  get routes(): ReadonlySet<string> {
    return new Set(this.#keys.filter((key) => toLoadedFile(key) === undefined));
  }

  /** The files that are being loaded. */
  get loads(): ReadonlySet<string> {
    return new Set(this.#keys.flatMap((key) => toLoadedFile(key) ?? []));
  }

  get #keys(): readonly string[] {
    return [...this.#lasting, ...this.#begun.keys()];
  }

  #receive(report: Partial<AllReports>, onStalled: () => void): void {
    if (Array.isArray(report.lasting)) this.#lasting = report.lasting.map(String);
    else if (typeof report.begun === 'string') this.#begun.set(report.begun, (this.#begun.get(report.begun) ?? 0) + 1);
    else if (typeof report.ended === 'string') this.#end(report.ended);
    else if (report.stalled === true) onStalled();
  }

  /** The call may have begun before calls were reported. */
  #end(key: string): void {
    const left = (this.#begun.get(key) ?? 0) - 1;
    if (left > 0) this.#begun.set(key, left);
    else this.#begun.delete(key);
  }
}

/** The members of every `CallReport`. Their types are checked where they are used. */
interface AllReports {
  readonly lasting: unknown;
  readonly begun: unknown;
  readonly ended: unknown;
  readonly stalled: unknown;
}

/** Code of the site can write to the same descriptor. What is no report has no members. */
function toReport(line: string): Partial<AllReports> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Not a line of JSON.
    return {};
  }
}
