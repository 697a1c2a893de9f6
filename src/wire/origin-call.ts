import type { Socket } from 'node:net';
import type { Watched } from '../contract/deadlines.ts';
import { Fault } from '../contract/fault.ts';
import type { Content } from '../contract/http-message.ts';
import type { ResponseHead } from './response-head.ts';

/** A request to an origin. */
export interface OriginRequest {
  readonly method: string;
  /** The whole head with its empty line, see `toRequestHead`. */
  readonly headText: string;
  /** 0: no body; CHUNKED: of unknown length. */
  readonly bodyBytes: number;
  /** The head has an Upgrade: the response may be a 101. Only without a body. */
  readonly mayUpgrade: boolean;
}

/** Receives the events of a call. No method may throw. After `end`, `failed` or `upgraded`, and after `abort`, none is called any more. */
export interface OriginHandler {
  /** For a request with a body: it can be sent now, by `write` and `end`. Called once, possibly before `send` returns the call. */
  connected(call: OriginCall): void;
  /** `write` returned false before; the origin accepts more of the body now. */
  bodyDrained(): void;
  /** An interim response (1xx except 100 and 101), at most 16 of them. */
  interim(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** Valid during the call: copy it to keep it, or to pass it to anything but a `ClientResponse`. */
  data(content: Buffer): void;
  /** After a head: all received bytes were passed on, and the rest has not arrived yet. */
  waiting?(): void;
  /** The response is complete. If the body was not sent to its end, the rest is not accepted any more. */
  end(trailers: readonly string[]): void;
  /** `hop_unreachable`, `hop_timeout`, `hop_reset`, `hop_bad_answer` (a MessageFault), `hop_busy`, `draining`. */
  failed(fault: Fault): void;
  /** The request was not answered because of `fault`, and is sent again. Returns its new head; without this method it is the same. */
  retried?(fault: Fault, headText: string): string;
  /** The origin changed to the requested protocol. The socket is paused; `early`: the bytes received after the head. */
  upgraded(head: ResponseHead, socket: Socket, early: Buffer): void;
}

/** The connection that carries a call. */
export interface CallConnection {
  /** `address:port` of the origin as resolved. */
  readonly address: string;
  write(content: Content): boolean;
  finish(content: Content): void;
  readOn(): void;
  abort(): void;
}

/** Owns a call before it has a connection, and is notified of its end. */
export interface CallKeeper {
  /** The body has been sent, or no more of it will be sent. Idempotent. */
  bodyEnded(call: OriginCall): void;
  withdraw(call: OriginCall): void;
  /** Ticks that a call may wait for a connection. */
  readonly queueTicks: number;
}

/** One request to an origin, and its response. Created by `OriginPool.send`. */
export class OriginCall implements Watched {
  movedAt = 0;
  nextMember: Watched['nextMember'];
  previousMember: Watched['previousMember'];
  request: OriginRequest;
  /** May be replaced, e.g. by one that discards the rest of a response. */
  handler: OriginHandler;
  /** The response may be silent for any time, as an event stream is. */
  mayBeSilent = false;
  /** The whole request has been written. */
  isSent: boolean;
  isPaused = false;
  isOver = false;
  hasRetried = false;
  /** A byte of the response has arrived. */
  hasResponse = false;
  connection: CallConnection | undefined;
  /** Address and port of the origin, once connected. */
  address = '';
  /** In the queue: the previous and the next call, and its position. */
  nextCall: OriginCall | undefined;
  previousCall: OriginCall | undefined;
  /** It uses one of the slots for uploads. */
  isCounted = false;
  readonly #keeper: CallKeeper;

  constructor(request: OriginRequest, handler: OriginHandler, keeper: CallKeeper) {
    this.request = request;
    this.handler = handler;
    this.#keeper = keeper;
    this.isSent = request.bodyBytes === 0;
  }

  /** It has a body that has not been sent: it may hold its connection for as long as its client takes. */
  get isUpload(): boolean {
    return !this.isSent;
  }

  /** False: wait for `bodyDrained`. Throws a RangeError for more than the announced length. */
  write(content: Content): boolean {
    return this.isOver || this.isSent || !this.connection || this.connection.write(content);
  }

  /** The body is complete. Less than the announced length is `internal`, and aborts the call. */
  end(content: Content = ''): void {
    if (this.isOver || this.isSent || !this.connection) return;
    this.isSent = true;
    this.connection.finish(content);
    this.#keeper.bodyEnded(this);
  }

  /** No `data` until `resume`; the `end` after the last piece may be reported. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection?.readOn();
  }

  /** Aborts the call, in any state. Idempotent. */
  abort(): void {
    if (this.isOver) return;
    const { connection } = this;
    this.finish();
    if (connection) connection.abort();
    else this.#keeper.withdraw(this);
  }

  /** No further event is reported. Idempotent. */
  finish(): void {
    this.isOver = true;
    this.connection = undefined;
    this.#keeper.bodyEnded(this);
  }

  /** It is sent a second time. */
  sendAgain(fault: Fault): void {
    this.hasRetried = true;
    const headText = this.handler.retried?.(fault, this.request.headText);
    if (headText !== undefined) this.request = { ...this.request, headText };
  }

  /** While it waits for a connection. A member that has just left its list may still be visited once. */
  allowedTicks(): number {
    return this.connection || this.isOver ? 0 : this.#keeper.queueTicks;
  }

  expire(): void {
    this.#keeper.withdraw(this);
    this.fail(new Fault('hop_busy', { message: 'no connection became free in time', headers: ['Retry-After', '1'] }));
  }

  /** Idempotent. */
  fail(fault: Fault): void {
    if (this.isOver) return;
    this.finish();
    this.handler.failed(fault);
  }
}
