import type { Dispatcher } from 'undici';
import { Fault } from '../contract/fault.ts';
import type { WholeAnswer } from '../contract/site-requests.ts';
import { toFlat, toOriginFault } from './external-answer.ts';

/** A response that is kept whole, up to a limit. */
export class ExternalDownload implements Dispatcher.DispatchHandler {
  /** Rejects with a Fault. */
  readonly settled: Promise<WholeAnswer>;
  readonly #origin: string;
  readonly #limitBytes: number;
  readonly #pieces: Buffer[] = [];
  #resolve!: (answer: WholeAnswer) => void;
  #reject!: (fault: Fault) => void;
  #status = 0;
  #headers: readonly string[] = [];
  #bytes = 0;

  constructor(origin: string, limitBytes: number) {
    this.#origin = origin;
    this.#limitBytes = limitBytes;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** undici takes no handler without it. */
  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = toFlat(controller.rawHeaders);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#limitBytes) this.#pieces.push(chunk);
    else controller.abort(new Fault('hop_bad_answer', { message: `${this.#origin} sent too many bytes` }));
  }

  onResponseEnd(): void {
    this.#resolve({ status: this.#status, headers: this.#headers, content: Buffer.concat(this.#pieces) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(toOriginFault(error, this.#origin));
  }
}
