import { Fault } from '../contract/fault.ts';
import type {
  Content,
  IncomingRequest,
  NodeView,
  PairOwner,
  ResponseListener,
  ResponseSink,
} from '../contract/http-message.ts';
import type { WholeAnswer } from '../contract/site-requests.ts';
import { CapturedNode } from './captured-node.ts';

/** Keeps a response in memory instead of sending it. */
export class KeptResponse implements ResponseSink {
  /** Rejects with a Fault if the response is cut, or longer than the limit. */
  readonly whole: Promise<WholeAnswer>;
  status = 0;
  isEnded = false;
  isClosed = false;
  sentBytes = 0;
  readonly needsDrain = false;
  readonly #hasContent: boolean;
  readonly #limitBytes: number;
  readonly #pieces: Buffer[] = [];
  #headers: readonly string[] = [];
  #listener: ResponseListener | undefined;
  /** Node's objects; from then on the response is written through them. */
  #node: CapturedNode | undefined;
  #resolve!: (answer: WholeAnswer) => void;
  #reject!: (fault: Fault) => void;

  constructor(method: string, limitBytes: number) {
    this.#hasContent = method !== 'HEAD';
    this.#limitBytes = limitBytes;
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nothing waits for it if the target throws first.
    this.whole.catch(() => {});
  }

  get isHeadWritten(): boolean {
    return this.status !== 0;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.isEnded);
  }

  inform(): void {}

  head(status: number, _reason: string, headers: readonly string[]): void {
    if (this.isHeadWritten) throw new Error('the head of a response was written a second time');
    this.status = status;
    this.#headers = headers;
  }

  write(content: Content): boolean {
    if (this.isClosed || !this.#hasContent) return true;
    const piece = Buffer.from(content);
    this.sentBytes += piece.length;
    this.#pieces.push(piece);
    if (this.sentBytes > this.#limitBytes) this.#cut(`is longer than ${this.#limitBytes} bytes`);
    return true;
  }

  end(content: Content = ''): void {
    if (this.isClosed) return;
    this.write(content);
    if (this.isClosed) return;
    this.isEnded = true;
    this.#close(true);
    this.#resolve({ status: this.status, headers: this.#headers, content: Buffer.concat(this.#pieces) });
  }

  closeBehind(): void {}

  abort(): void {
    if (!this.isClosed) this.#cut('was cut');
  }

  takeOver(): never {
    throw new Error('a request of the site to itself opens no WebSocket');
  }

  toNode(request: IncomingRequest, target: string, owner: PairOwner): NodeView {
    this.#node = new CapturedNode({ sink: this, request, target, owner });
    const { view } = this.#node;
    if (this.#listener) view.response.listen(this.#listener);
    return view;
  }

  #cut(how: string): void {
    this.#close(false);
    this.#reject(new Fault('function_bad_answer', { message: `a response for this site ${how}`, status: 502 }));
  }

  #close(isWhole: boolean): void {
    this.isClosed = true;
    if (!this.#node) this.#listener?.closed(isWhole);
    else if (!isWhole) this.#node.closed();
  }
}
