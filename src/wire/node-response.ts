import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from '../contract/fault.ts';
import type {
  Content,
  IncomingRequest,
  NodeView,
  PairOwner,
  ResponseListener,
  ResponseSink,
} from '../contract/http-message.ts';
import { groupByName, type HeadArguments, listValues } from './flat-headers.ts';
import { toInterimHead } from './head-text.ts';
import { changeHead, mayHaveBody, sayClose, toSentHeaders } from './node-head.ts';
import { type GuardOwner, WriteGuard } from './write-guard.ts';

/** The sender of Node's response: a connection of the wire, or the server of a host. */
export interface NodeConnection {
  /** Called once, when the head is created: whether the client may send a further request. */
  decideKeepAlive(): boolean;
  /** See `ResponseConnection.cut`. */
  cut(byReset: boolean): void;
  /** See `ResponseSink.takeOver`. */
  takeOver(): { readonly socket: Socket; readonly head: Buffer };
  /** See `GuardOwner.sentByNode`. */
  sentByNode?(): void;
  /** See `GuardOwner`. */
  readonly sendsWhole?: boolean;
  sendWhole?(text: string): void;
}

export interface NodeResponseParts {
  readonly response: ServerResponse;
  readonly request: { readonly method: string; readonly minor: 0 | 1 };
  readonly connection: NodeConnection;
}

/** Headers are flat. */
export interface Head {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly string[];
}

/** A response of Node as a `ResponseSink`. Code of the site may write to the response, too. */
export class NodeResponse implements ResponseSink, GuardOwner {
  isClosed = false;
  needsDrain = false;
  /** The connection is closed after this response. */
  closes = false;
  protected readonly response: ServerResponse;
  protected owner: PairOwner | undefined;
  readonly #request: NodeResponseParts['request'];
  readonly #connection: NodeConnection;
  readonly #guard: WriteGuard;
  #listener: ResponseListener | undefined;
  #isWhole = false;
  #isEnded = false;
  #isTaken = false;
  /** Set by `head`, and not written yet. */
  #head: Head | undefined;
  /** Written, and still kept by Node, because no content followed. */
  #isHeadKept = false;
  #listensForDrain = false;

  constructor({ response, request, connection }: NodeResponseParts) {
    this.response = response;
    this.#request = request;
    this.#connection = connection;
    this.#guard = new WriteGuard({ response, method: request.method, owner: this });
  }

  get isHeadWritten(): boolean {
    return this.#head !== undefined || this.#isTaken || this.response.headersSent;
  }

  get isEnded(): boolean {
    return this.#isEnded || this.response.writableEnded;
  }

  get status(): number {
    if (this.#isTaken) return 101;
    if (this.#head) return this.#head.status;
    return this.response.headersSent ? this.response.statusCode : 0;
  }

  get sentBytes(): number {
    return this.#guard.sentBytes;
  }

  /** The owner applies its rules to heads that code writes, and receives the failures. */
  ownedBy(owner: PairOwner): void {
    this.owner = owner;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.#isWhole);
  }

  inform(status: number, headers: readonly string[]): void {
    if (this.isClosed || this.isHeadWritten || this.#request.minor === 0) return;
    this.response.socket?.write(toInterimHead(status, headers), 'latin1');
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    if (this.isHeadWritten) throw new Error('the head of a response was written a second time');
    if (!Number.isInteger(status) || status < 200 || status > 999) throw new TypeError(`no final status: ${status}`);
    const sent = toSentHeaders(headers);
    if (sent.closes) this.closeBehind();
    this.#head = { status, reason, headers: sent.headers };
    this.#guard.isAnswering = true;
    if (!this.isClosed) process.nextTick(flush, this);
  }

  write(content: Content): boolean {
    if (this.isClosed || this.isEnded) return true;
    const bytes = byteLength(content);
    if (this.#head) {
      this.#sendHead(undefined);
      this.#isHeadKept = true;
    }
    this.#refuseMore(bytes);
    if (bytes === 0) return true;
    if (this.#guard.hasBody) this.#isHeadKept = false;
    const ready = this.response.write(content);
    if (!ready) this.#awaitDrain();
    return ready;
  }

  end(content: Content = '', trailers: readonly string[] = []): void {
    if (this.isClosed || this.isEnded) return;
    const bytes = byteLength(content);
    this.#sendHead(trailers.length === 0 ? bytes : undefined);
    this.#refuseMore(bytes);
    this.#isEnded = true;
    const { hasBody, declaredLength } = this.#guard;
    if (hasBody && declaredLength !== undefined && this.sentBytes + bytes < declaredLength) {
      if (bytes > 0) this.response.write(content);
      // Node sends what was written at the end of the turn.
      process.nextTick(abort, this);
      return;
    }
    if (trailers.length > 0) this.response.addTrailers(toPairs(trailers));
    if (bytes > 0) this.response.end(content);
    else this.response.end();
  }

  closeBehind(): void {
    this.closes = true;
    if (!this.response.headersSent) this.response.shouldKeepAlive = false;
  }

  abort(): void {
    if (this.isClosed) return;
    const { headersSent, chunkedEncoding } = this.response;
    const { hasBody, declaredLength } = this.#guard;
    // Without chunks and length the body ends with the connection.
    this.#connection.cut(headersSent && hasBody && !chunkedEncoding && declaredLength === undefined);
  }

  takeOver(): { readonly socket: Socket; readonly head: Buffer } {
    if (this.isHeadWritten) throw new Error('a connection was taken over after a response');
    const taken = this.#connection.takeOver();
    this.#isTaken = true;
    this.#isEnded = true;
    this.#listener?.headWritten?.();
    return taken;
  }

  toNode(_request: IncomingRequest, _target: string, _owner: PairOwner): NodeView {
    throw new Error("Node's objects of a request were made a second time");
  }

  /** See `NodePair.mute`. */
  mute(onLate?: () => void): void {
    this.#guard.mute(onLate);
  }

  /** The response belongs to its former owner again. Rules that change heads still apply. */
  takeOff(): void {
    this.#guard.takeOff(this.owner?.changesHead === true);
  }

  /** Sends the head if in this turn of the event loop no content followed it, or none that is sent. */
  flush(): void {
    if (this.isClosed || this.isEnded || !(this.#head || this.#isHeadKept)) return;
    this.#isHeadKept = false;
    try {
      this.#sendHead(undefined);
      this.response.flushHeaders();
    } catch {
      // Code of the site has replaced `writeHead` and threw in it. At this time no code is called that could answer.
      this.abort();
    }
  }

  /** Called by the sender. Idempotent. */
  close(isWhole: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#isWhole = isWhole;
    this.#listener?.closed(isWhole);
  }

  /** Called by the sender. */
  clientEnded(): void {
    this.#listener?.clientEnded?.();
  }

  /** Called by the guard. A head that `head` wrote has been changed already. */
  changeHead(given: HeadArguments): HeadArguments {
    const { owner } = this;
    return owner?.changesHead && !this.#head ? changeHead(this.response, owner, given) : given;
  }

  /** Called by the guard, just before Node creates the head. */
  finishHead(given: HeadArguments): HeadArguments {
    this.#listener?.headWritten?.();
    const isLast = !this.#connection.decideKeepAlive() || this.closes;
    return isLast ? sayClose(this.response, given) : given;
  }

  /** Called by the guard. */
  failWriting(fault: Fault): boolean {
    return this.owner?.failPair(fault) ?? false;
  }

  /** Called by the guard. */
  sentByNode(): void {
    this.#connection.sentByNode?.();
  }

  get sendsWhole(): boolean {
    return this.#connection.sendsWhole === true;
  }

  /** Called by the guard. */
  sendWhole(text: string): void {
    this.#connection.sendWhole?.(text);
  }

  /** Makes Node write the head, instead of all headers that code has set. */
  protected writeHead({ status, reason, headers }: Head): void {
    const { response } = this;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.sendDate = true;
    response.writeHead(status, reason, headers as string[]); // Node only reads it
  }

  /** `bytes`: of the whole content, if it is known. */
  #sendHead(bytes: number | undefined): void {
    const head = this.#head;
    if (!head) return;
    const isFramed = bytes === undefined || listValues(head.headers, 'content-length') !== undefined;
    if (isFramed || !mayHaveBody(this.#request.method, head.status)) this.writeHead(head);
    else this.writeHead({ ...head, headers: [...head.headers, 'Content-Length', String(bytes)] });
    this.#head = undefined;
    this.#guard.silence();
  }

  #refuseMore(bytes: number): void {
    const { hasBody, declaredLength } = this.#guard;
    if (!hasBody || declaredLength === undefined || this.sentBytes + bytes <= declaredLength) return;
    throw new RangeError(`the body is longer than its Content-Length of ${declaredLength} bytes`);
  }

  #awaitDrain(): void {
    this.needsDrain = true;
    // Once per response: `compression` moves such a listener to another stream, from which it cannot be removed.
    if (!this.#listensForDrain) this.response.on('drain', () => this.#onDrain());
    this.#listensForDrain = true;
  }

  #onDrain(): void {
    if (!this.needsDrain) return;
    this.needsDrain = false;
    this.#listener?.drained();
  }
}

function flush(response: NodeResponse): void {
  response.flush();
}

function abort(response: NodeResponse): void {
  response.abort();
}

function toPairs(flat: readonly string[]): [string, string][] {
  return groupByName(flat).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
}

function byteLength(content: Content): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
}
