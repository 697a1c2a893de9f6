import type {
  Content,
  IncomingRequest,
  NodeView,
  PairOwner,
  ResponseListener,
  ResponseSink,
} from '../contract/http-message.ts';
import { ClientResponse } from '../wire/client-response.ts';
import type { ResponseHeadText } from '../wire/head-text.ts';
import { CapturedNode } from './captured-node.ts';

/** Where a captured response goes: the response of the client, or a stream that a filter reads. */
export interface AnswerReader extends Pick<ResponseSink, 'write' | 'end' | 'abort'> {
  /** It has passed the content to the connection, or copied it, when `write` returns: the memory may be used again. */
  readonly takesAtOnce?: boolean;
}

/** A head whose lines another server has written. */
export interface ReceivedHead {
  readonly status: number;
  readonly reason: string;
  readonly text: ResponseHeadText;
  /** Flat. */
  readonly toHeaders: () => readonly string[];
}

/** The filter that captures a response. */
export interface CaptureOwner {
  /** Called once: `head` was called, so the filter can decide. */
  headCaptured(): void;
  /** The response was cut before it had a head. */
  cut(): void;
  /** An interim response; without this method it is dropped. */
  interim?(status: number, headers: readonly string[]): void;
}

/** Content that is kept while nothing reads it; a small response is complete without its reader. */
const MOST_HELD_BYTES = 64 * 1024;

/**
 * The response to an inner exchange: head and content are kept as they were written, until a reader takes them. Then each call goes to
 * the reader directly, so that a long response needs no memory. Interim responses are dropped where a filter has not yet decided whether
 * the client may see anything of the response.
 */
export class CapturedResponse implements ResponseSink {
  status = 0;
  reason = '';
  /** The head as it was received, if it was written by `headText`. */
  received: ReceivedHead | undefined;
  isEnded = false;
  isClosed = false;
  sentBytes = 0;
  needsDrain = false;
  /** Nothing was captured, see `hand`. */
  isHanded = false;
  /** The connection of the client must be closed after the response. */
  closes = false;
  readonly #owner: CaptureOwner;
  readonly #held: Content[] = [];
  #headers: readonly string[] | undefined;
  #last: Content = '';
  #trailers: readonly string[] = NONE;
  #reader: AnswerReader | undefined;
  #listener: ResponseListener | undefined;
  /** Node's objects; from then on the response is written through them. */
  #node: CapturedNode | undefined;

  constructor(owner: CaptureOwner) {
    this.#owner = owner;
  }

  get isHeadWritten(): boolean {
    return this.status !== 0;
  }

  /** Flat. */
  get headers(): readonly string[] {
    this.#headers ??= this.received?.toHeaders() ?? NONE;
    return this.#headers;
  }

  /** See `AnswerReader.takesAtOnce`. */
  get takesAtOnce(): boolean {
    return this.#reader?.takesAtOnce === true;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.isEnded);
  }

  inform(status: number, headers: readonly string[]): void {
    this.#owner.interim?.(status, headers);
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    if (this.isHeadWritten) throw new Error('the head of a response was written a second time');
    if (!Number.isInteger(status) || status < 200 || status > 999) throw new TypeError(`no final status: ${status}`);
    if (this.isClosed) return;
    this.status = status;
    this.reason = reason;
    this.#headers = headers;
    this.#owner.headCaptured();
  }

  /** The same for a head that is passed on as it was received, unless a filter looks at its headers. */
  headText(received: ReceivedHead): void {
    this.head(received.status, received.reason, NONE);
    if (this.isClosed) return;
    this.#headers = undefined;
    this.received = received;
  }

  write(content: Content): boolean {
    if (this.isClosed || this.isEnded) return true;
    this.sentBytes += content.length;
    let ready: boolean;
    if (this.#reader) ready = this.#reader.write(content);
    else {
      // Also an empty one: it decides on the framing.
      this.#held.push(content);
      ready = this.sentBytes < MOST_HELD_BYTES;
    }
    if (!ready) this.needsDrain = true;
    return ready;
  }

  end(content: Content = '', trailers: readonly string[] = NONE): void {
    if (this.isEnded || this.isClosed) return;
    this.sentBytes += content.length;
    this.isEnded = true;
    if (this.#reader) this.#reader.end(content, trailers);
    else {
      this.#last = content;
      this.#trailers = trailers;
    }
    this.#close(true);
  }

  /** The response cannot be captured: another server writes it when the filter has decided. The filter gets an empty response in its place. */
  hand(): void {
    this.isHanded = true;
    this.head(200, 'OK', NONE);
    this.end();
  }

  closeBehind(): void {
    this.closes = true;
  }

  abort(): void {
    if (this.isClosed) return;
    if (!this.isHeadWritten) this.#owner.cut();
    this.#reader?.abort();
    this.#close(false);
  }

  takeOver(): never {
    throw new Error('a WebSocket is opened by the exchange of its client');
  }

  toNode(request: IncomingRequest, target: string, owner: PairOwner): NodeView {
    this.#node = new CapturedNode({ sink: this, request, target, owner });
    const { view } = this.#node;
    if (this.#listener) view.response.listen(this.#listener);
    return view;
  }

  /** Bytes of the content; undefined while it is not whole, or not kept any more. */
  get wholeBytes(): number | undefined {
    if (!this.isEnded || this.#reader) return undefined;
    return this.#held.reduce((sum, content) => sum + Buffer.byteLength(content), Buffer.byteLength(this.#last));
  }

  /** `passTo` was called. */
  get isPassed(): boolean {
    return this.#reader !== undefined;
  }

  /** Gives what was kept, and what follows, to `reader`. Once, after the head. */
  passTo(reader: AnswerReader): void {
    this.#reader = reader;
    let ready = true;
    for (const content of this.#held) ready = reader.write(content);
    this.#held.length = 0;
    if (this.isEnded) reader.end(this.#last, this.#trailers);
    else if (this.isClosed) reader.abort();
    else if (ready) this.drained();
  }

  /** The reader takes more. */
  drained(): void {
    if (!this.needsDrain) return;
    this.needsDrain = false;
    if (this.#node) this.#node.drained();
    else this.#listener?.drained();
  }

  /** The other side of the client's connection ended; see `ResponseListener`. */
  clientEnded(): void {
    if (this.#node) this.#node.clientEnded();
    else this.#listener?.clientEnded?.();
  }

  #close(isWhole: boolean): void {
    this.isClosed = true;
    if (!this.#node) this.#listener?.closed(isWhole);
    else if (!isWhole) this.#node.closed();
  }
}

const NONE: readonly string[] = Object.freeze([]);

/** Whether this response passes content to the connection, or copies it, before `write` returns; see `AnswerReader`. */
export function takesAtOnce(response: ResponseSink): boolean {
  return response instanceof ClientResponse || (response instanceof CapturedResponse && response.takesAtOnce);
}
