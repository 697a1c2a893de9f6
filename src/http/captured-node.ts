import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest, NodeView, PairOwner, ResponseSink } from '../contract/http-message.ts';
import type { BodyReader } from '../wire/body-reader.ts';
import { toEndToEnd } from '../wire/connection-headers.ts';
import { createBodyReader } from '../wire/create-body-reader.ts';
import { HeadCutter } from '../wire/head-cutter.ts';
import { ConnectionPair, type PairConnection, type PairedResponse } from '../wire/node-pair.ts';
import { ResponseHead } from '../wire/response-head.ts';

/** Code of the site writes the head, so it has no limits of its own. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface CapturedNodeParts {
  /** Gets what code writes through Node's response. */
  readonly sink: Pick<ResponseSink, 'head' | 'write' | 'end' | 'abort' | 'needsDrain'>;
  readonly request: IncomingRequest;
  readonly target: string;
  readonly owner: PairOwner;
}

/**
 * Node's request and response for a response that is captured. Node frames the response and writes it to a stream in place of a socket. Its bytes are read
 * back here, as those of any other server, because code may write them in many ways: headers of its own, trailers, parts of a body.
 */
export class CapturedNode implements PairConnection, PairedResponse {
  readonly rules = { keepAliveMs: 0 };
  readonly closes = false;
  readonly socket: Socket;
  readonly #parts: CapturedNodeParts;
  readonly #pair: ConnectionPair;
  readonly #cutter = new HeadCutter({ side: 'response', maxBytes: NO_LIMIT, skipsEmptyLine: false });
  #body: BodyReader | undefined;
  #isEnded = false;
  #taken: (() => void) | undefined;

  constructor(parts: CapturedNodeParts) {
    const { request, target, owner } = parts;
    this.#parts = parts;
    const write = (chunk: Buffer, _encoding: unknown, taken: () => void): void => this.#take(chunk, taken);
    // A response that code has ended below Node's own would never have an end.
    const final = (done: () => void): void => {
      if (!this.#isEnded) parts.sink.abort();
      done();
    };
    const stream = new Writable({ write, final });
    stream.on('drain', () => this.#pair.drained());
    // Node's response calls only the members of a stream, and this one.
    this.socket = Object.assign(stream, { setTimeout: () => stream }) as unknown as Socket;
    this.#pair = new ConnectionPair({ connection: this, paired: this, request, target, owner });
    this.#keepSocket(this.#pair.request);
  }

  /**
   * Node destroys the socket of a request that is destroyed before its end. Here that is the socket of the client, which may still get
   * another response: only the captured response is cut.
   */
  #keepSocket(message: IncomingMessage): void {
    message._destroy = (error, callback): void => {
      if (!message.readableEnded || !message.complete) {
        (message as { aborted: boolean }).aborted = true;
        message.emit('aborted');
        this.#parts.sink.abort();
      }
      // As Node does: an error without a listener would end the process.
      process.nextTick(callback, message.listenerCount('error') === 0 ? null : error);
    };
  }

  get view(): NodeView {
    return this.#pair.view;
  }

  decideKeepAlive(): boolean {
    return true;
  }

  cut(): void {
    this.#parts.sink.abort();
  }

  handOver(): never {
    throw new Error('a WebSocket is opened by the exchange of its client');
  }

  /** All of it is written; a response to HTTP/1.0 ends here. */
  nodeSent(): void {
    this.#body?.endConnection();
    this.#endIfComplete();
  }

  nodeEnded(): void {}

  /** The reader of the response takes more. */
  drained(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  /** The response was cut. */
  closed(): void {
    this.drained();
    this.#pair.closed();
    // Node emits `close` of the response then.
    this.socket.destroy();
  }

  clientEnded(): void {
    this.#pair.clientEnded();
  }

  #take(chunk: Buffer, taken: () => void): void {
    const { sink } = this.#parts;
    try {
      for (let at = 0; at < chunk.length && !this.#isEnded; ) at = this.#step(chunk, at);
    } catch {
      // Code has written to the stream itself, or a head that is none.
      sink.abort();
    }
    if (sink.needsDrain) this.#taken = taken;
    else taken();
  }

  #step(chunk: Buffer, at: number): number {
    const body = this.#body;
    if (!body) {
      const end = this.#cutter.push(chunk, at);
      if (end < 0) return chunk.length;
      this.#takeHead(this.#cutter.text);
      return end;
    }
    const end = body.advance(chunk, at);
    if (body.to > body.from) this.#parts.sink.write(chunk.subarray(body.from, body.to));
    this.#endIfComplete();
    return end;
  }

  #takeHead(text: string): void {
    const { sink, request } = this.#parts;
    const { status, reason, headers, connection, bodyBytes } = new ResponseHead(text, {
      method: request.method,
      maxHeaders: NO_LIMIT,
    });
    if (status < 200) return;
    const kept = toEndToEnd(headers, connection);
    const trailer = findHeader(headers, 'trailer');
    sink.head(status, reason, trailer === undefined ? kept : [...kept, 'Trailer', trailer]);
    if (bodyBytes === 0) this.#end([]);
    else {
      const limits = { maxTrailerBytes: NO_LIMIT, maxHeaders: NO_LIMIT };
      this.#body = createBodyReader({ bodyBytes, side: 'response', ...limits });
    }
  }

  #endIfComplete(): void {
    if (this.#body?.isComplete) this.#end(this.#body.trailers);
  }

  #end(trailers: readonly string[]): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.sink.end('', trailers);
  }
}
