import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Exchange, LeaveListener } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Outcome } from '../contract/target.ts';
import { lingerOnClose } from '../http/linger.ts';
import type { Watched } from '../timing/deadlines.ts';
import type { Member } from '../timing/in-flight.ts';
import type { ForwardTools, HopConnection } from './connections.ts';
import { Discard } from './discard.ts';
import { mayRetry, toHopFault } from './errors.ts';
import { toReasonPhrase } from './reason-phrase.ts';
import { EMPTY_BODY, type RequestBody } from './request-body.ts';
import { Upload } from './upload.ts';

export interface ForwardedRequest {
  readonly exchange: Exchange;
  /** Headers for the hop, flat. */
  readonly fields: string[];
  readonly body: RequestBody;
  /** Resolve with 'passed' on a 404 or an unreachable hop. Only for requests without a body. */
  readonly unlessMissing: boolean;
}

/** Most 1xx responses that are stored until the final response is accepted. */
const MOST_HELD = 16;

/** Up to this size, copying the body into the write of the head costs less than a second write. */
const JOINED_BYTES = 16 * 1024;

type Phase = 'queued' | 'waiting' | 'body' | 'over';

/**
 * One request that is forwarded to the hop, and its response to the client.
 *
 * A class without closures, with flat arrays from raw bytes to raw bytes, because this is the hot
 * path. `settled` resolves when the response is written or the client has left, or with 'passed' if
 * another route may answer. It rejects with a Fault. Invariant: calls by undici after `over` have
 * no effect.
 */
export class Forward implements Dispatcher.DispatchHandler, LeaveListener, Watched {
  readonly settled: Promise<Outcome>;
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;

  readonly #tools: ForwardTools;
  readonly #exchange: Exchange;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #hasBody: boolean;
  readonly #unlessMissing: boolean;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (fault: Fault) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #connection: HopConnection | undefined;
  #phase: Phase = 'queued';
  #answerBegan = false;
  #retried = false;
  #eventStream = false;
  #wroteBody = false;
  /** Content-Length of a response that is small enough for one write; -1 for any other. */
  #wholeBodyBytes = -1;
  #wholeBody: Buffer | undefined;
  #awaitsDrain = false;
  #counted = false;
  #heldInterims: (readonly [status: number, fields: string[]])[] | undefined;
  #discard: Discard | undefined;

  constructor(tools: ForwardTools, { exchange, fields, body, unlessMissing }: ForwardedRequest) {
    this.#tools = tools;
    this.#exchange = exchange;
    this.#hasBody = body === 'streamed';
    this.#unlessMissing = unlessMissing;
    const { method = 'GET' } = exchange.request;
    this.#options = {
      path: exchange.target,
      method: method as Dispatcher.HttpMethod, // any method that Node's parser accepts
      headers: fields,
      // Otherwise undici closes the connection after each HEAD and after some empty bodies.
      ...(method === 'HEAD' || body === 'empty' ? { reset: false } : undefined),
      ...(body === 'empty' ? { body: EMPTY_BODY } : undefined),
      // Deadlines has these timeouts.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends the request. */
  start(): void {
    this.#tools.load.count++;
    this.#counted = true;
    this.#tools.deadlines.add(this);
    this.#exchange.onLeave(this);
    if (this.#phase === 'over') this.#release();
    else this.#dispatch();
  }

  /** Restarts the deadlines, because bytes were sent or received. */
  moved(): void {
    this.movedAt = this.#tools.deadlines.now;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'over') {
      controller.abort(new Error('the request ended while it was queued'));
      return;
    }
    this.#phase = 'waiting';
    this.moved();
    if (this.#hasBody) this.#exchange.admitBody();
  }

  /** undici calls it at the first byte of a response. After that there is no retry. */
  onResponseStarted(): void {
    this.#answerBegan = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _fields: unknown, reason = ''): void {
    if (this.#phase === 'over') return;
    this.moved();
    const rawHeaders = (controller.rawHeaders ?? []) as Buffer[]; // undici's H1 parser gives Buffers
    if (status < 200) this.#passInterim(status, rawHeaders);
    else if (status === 404 && this.#unlessMissing) this.#pass(controller);
    else this.#passHead(status, rawHeaders, reason);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'over') {
      this.#discard?.take(chunk.length);
      return;
    }
    this.moved();
    this.#exchange.bodyBytesSent += chunk.length;
    if (chunk.length === this.#wholeBodyBytes) {
      // The whole body is one chunk: `onResponseEnd` follows and sends it with the head.
      this.#wholeBody = chunk;
      return;
    }
    this.#wroteBody = true;
    if (this.#exchange.response.write(chunk)) return;
    controller.pause();
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#exchange.response.on('drain', () => this.#controller?.resume());
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#release();
    if (this.#phase === 'over') return;
    if (this.#connection?.reset) {
      // undici treats the reset of a body without length as its end, contrary to RFC 9112 6.3.
      this.#fail(new Fault('hop_reset', { message: 'the hop reset the connection before the body was complete' }));
      return;
    }
    const { response } = this.#exchange;
    const trailers = (controller.rawTrailers ?? []) as Buffer[]; // undici's H1 parser gives Buffers
    if (trailers.length > 0 && response.chunkedEncoding)
      response.addTrailers(this.#tools.responseHeaders.toTrailers(trailers));
    this.#end();
    // As a string, Node sends it with the head in one write; latin1 keeps every byte.
    if (this.#wholeBody) response.end(this.#wholeBody.toString('latin1'), 'latin1');
    else response.end();
    this.#resolve('answered');
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#phase !== 'over' && this.#mayRetry(error)) {
      this.#retried = true;
      this.#phase = 'queued';
      this.#dispatch();
      return;
    }
    this.#release();
    if (this.#phase === 'over') return;
    const fault = error instanceof Fault ? error : toHopFault(error);
    if (this.#unlessMissing && fault.code === 'hop_unreachable') {
      this.#end();
      this.#resolve('passed');
    } else this.#fail(fault);
  }

  clientLeft(): void {
    if (this.#phase === 'over') return;
    this.#end();
    this.#controller?.abort(new Error('the client left'));
    this.#resolve('answered');
  }

  allowedTicks(): number {
    if (this.#phase !== 'body') return this.#tools.firstByteTicks;
    // A paused response waits for the client, which has a timeout of its own.
    return this.#eventStream || this.#exchange.response.writableNeedDrain ? 0 : this.#tools.idleTicks;
  }

  expire(): void {
    if (this.#phase === 'queued') {
      this.#fail(
        new Fault('hop_busy', {
          message: 'no connection to the hop became free in time (HOP_CONNECTIONS sets their number)',
          headers: ['Retry-After', '1'],
        }),
      );
    } else {
      const message = this.#phase === 'body' ? 'the response stopped midway' : 'the hop did not answer in time';
      this.#fail(new Fault('hop_timeout', { message }));
    }
  }

  #dispatch(): void {
    this.moved();
    // Upload has all members of a Readable that undici uses.
    if (this.#hasBody) this.#options.body = new Upload(this.#exchange, this) as unknown as Readable;
    this.#tools.pool.dispatch(this.#options, this);
  }

  /** 1xx responses are forwarded immediately (RFC 9110 15.2); HTTP/1.0 has none. */
  #passInterim(status: number, rawHeaders: readonly Buffer[]): void {
    const { request, response } = this.#exchange;
    if (request.httpVersion !== '1.1') return;
    const fields = this.#tools.responseHeaders.toInterim(rawHeaders);
    if (!this.#unlessMissing) response.writeInformation(status, fields);
    else {
      this.#heldInterims ??= [];
      if (this.#heldInterims.length < MOST_HELD) this.#heldInterims.push([status, fields]);
    }
  }

  /** Drops the response, so that another route can answer. */
  #pass(controller: Dispatcher.DispatchController): void {
    this.#countAnswer();
    this.#end();
    this.#discard = new Discard(controller, this.#tools.deadlines);
    this.#resolve('passed');
  }

  #countAnswer(): HopConnection | undefined {
    this.#connection = this.#tools.connections.reading;
    if (this.#connection) this.#connection.answers++;
    return this.#connection;
  }

  #passHead(status: number, rawHeaders: readonly Buffer[], reason: string): void {
    const exchange = this.#exchange;
    exchange.upstreamStatus = String(status);
    const connection = this.#countAnswer();
    if (connection) exchange.upstreamAddress = connection.address;
    if (this.#heldInterims) for (const held of this.#heldInterims) exchange.response.writeInformation(...held);
    const head = this.#tools.responseHeaders.toClient(rawHeaders, status, exchange);
    this.#eventStream = head.eventStream;
    if (head.contentLength <= JOINED_BYTES) this.#wholeBodyBytes = head.contentLength;
    if (this.#hasBody && !exchange.request.complete) {
      // The client may stop its upload, so the connection cannot be reused.
      head.fields.push('Connection', 'close');
      lingerOnClose(exchange.socket);
    }
    exchange.response.writeHead(status, toReasonPhrase(reason, status), head.fields);
    this.#phase = 'body';
    process.nextTick(flushHead, this);
  }

  /** Sends the head alone if no body follows at once, so that an event stream opens. */
  flushHead(): void {
    if (!this.#wroteBody && this.#phase === 'body') this.#exchange.response.flushHeaders();
  }

  /** At most one retry, and none after a response has begun. */
  #mayRetry(error: Error): boolean {
    if (this.#retried || this.#answerBegan) return false;
    const connection = this.#tools.connections.brokenBy(error);
    return mayRetry({ error, method: this.#options.method, hasBody: this.#hasBody, connection });
  }

  #fail(fault: Fault): void {
    this.#end();
    this.#controller?.abort(fault);
    this.#reject(fault);
  }

  #end(): void {
    this.#phase = 'over';
    this.#tools.deadlines.remove(this);
    this.#exchange.onLeave(undefined);
  }

  #release(): void {
    if (this.#counted) this.#tools.load.count--;
    this.#counted = false;
    this.#discard?.end();
  }
}

function flushHead(forward: Forward): void {
  forward.flushHead();
}
