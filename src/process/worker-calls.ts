import type { Readable } from 'node:stream';
import type { CallReport } from './supervisor-link.ts';

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
      for (const line of lines) this.#receive(JSON.parse(line) as CallReport, onStalled); // each line is one
    });
  }

  /** The routes with a call in progress. */
  get routes(): ReadonlySet<string> {
    return new Set([...this.#lasting, ...this.#begun.keys()]);
  }

  #receive(report: CallReport, onStalled: () => void): void {
    if ('lasting' in report) this.#lasting = report.lasting;
    else if ('begun' in report) this.#begun.set(report.begun, (this.#begun.get(report.begun) ?? 0) + 1);
    else if ('ended' in report) this.#end(report.ended);
    else onStalled();
  }

  /** The call may have begun before calls were reported. */
  #end(key: string): void {
    const left = (this.#begun.get(key) ?? 0) - 1;
    if (left > 0) this.#begun.set(key, left);
    else this.#begun.delete(key);
  }
}
