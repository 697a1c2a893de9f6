import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import type { Deadlines, Watched } from '../deadlines.ts';
import { Fault } from '../fault.ts';
import type { Exchange, LeaveListener } from '../http/exchange.ts';
import { lingerOnClose } from '../http/linger.ts';
import type { Member } from '../roster.ts';
import type { Outcome } from '../target.ts';
import type { AnswerFields } from './answer-fields.ts';
import type { Connections, HopConnection } from './connections.ts';
import { isRefused, toHopFault } from './errors.ts';
import { toReasonPhrase } from './reason-phrase.ts';
import { Upload } from './upload.ts';

/** What all forwards of one hop share. */
export interface ForwardTools {
  /** Replaced when the hop's address changes. */
  pool: Pool;
  readonly connections: Connections;
  readonly deadlines: Deadlines;
  readonly answerFields: AnswerFields;
  readonly firstByteTicks: number;
  readonly idleTicks: number;
  readonly load: Load;
}

/** Requests that undici holds: queued, running, or given up by their client and not yet thrown out. */
export interface Load {
  count: number;
}

export interface ForwardedRequest {
  readonly exchange: Exchange;
  /** Flat, as they go to the hop. */
  readonly fields: string[];
  readonly hasBody: boolean;
}

/** Methods that may be sent twice with the effect of once (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
]);

/** Up to this size it costs less to copy a body behind its head than to write the two as separate pieces. */
const JOINED_BYTES = 16 * 1024;

type Phase = 'queued' | 'waiting' | 'body' | 'over';

/**
 * One request at the hop, and its answer on the way to the client.
 *
 * A class and no closures, and flat arrays from raw bytes to raw bytes: this is the hot path.
 * `settled` resolves when the answer is written or the client is gone, and rejects with a Fault.
 * Invariant: after `over`, undici may still call; nothing is done then.
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
  #resolve!: (outcome: Outcome) => void;
  #reject!: (fault: Fault) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #connection: HopConnection | undefined;
  #phase: Phase = 'queued';
  #answerBegan = false;
  #retried = false;
  #eventStream = false;
  #wroteBody = false;
  /** Content-Length of an answer that is small enough to be sent in one write; -1 for any other. */
  #wholeBodyBytes = -1;
  #wholeBody: Buffer | undefined;
  #awaitsDrain = false;
  #counted = false;

  constructor(tools: ForwardTools, { exchange, fields, hasBody }: ForwardedRequest) {
    this.#tools = tools;
    this.#exchange = exchange;
    this.#hasBody = hasBody;
    const { method = 'GET' } = exchange.request;
    this.#options = {
      path: exchange.target,
      method: method as Dispatcher.HttpMethod, // whatever Node's parser knows
      headers: fields,
      // undici would give up the connection after each HEAD (it distrusts servers that send a body there).
      ...(method === 'HEAD' ? { reset: false } : undefined),
      // Ours: see Deadlines.
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
    this.#exchange.onLeave(this);
    this.#tools.deadlines.add(this);
    this.#dispatch();
  }

  /** Something moved: the deadlines start anew. */
  moved(): void {
    this.movedAt = this.#tools.deadlines.now;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'over') {
      controller.abort(new Error('given up while it was queued'));
      return;
    }
    this.#phase = 'waiting';
    this.moved();
    if (this.#hasBody) this.#exchange.admitBody();
  }

  /** undici calls it with the first byte of an answer; no retry after that. */
  onResponseStarted(): void {
    this.#answerBegan = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _fields: unknown, reason = ''): void {
    if (this.#phase === 'over') return;
    this.moved();
    const rawFields = (controller.rawHeaders ?? []) as Buffer[]; // undici's H1 parser gives Buffers
    if (status < 200) this.#passInterim(status, rawFields);
    else this.#passHead(status, rawFields, reason);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.moved();
    this.#exchange.bodyBytesSent += chunk.length;
    if (chunk.length === this.#wholeBodyBytes) {
      // All of it in one piece: `onResponseEnd` follows at once and sends it together with the head.
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
      // undici takes the reset of a body without length for its end (RFC 9112 6.3 does not).
      this.#fail(new Fault('hop_reset', { message: 'the hop reset its connection in the middle of the body' }));
      return;
    }
    const { response } = this.#exchange;
    const trailers = (controller.rawTrailers ?? []) as Buffer[]; // undici's H1 parser gives Buffers
    if (trailers.length > 0 && response.chunkedEncoding)
      response.addTrailers(this.#tools.answerFields.toTrailers(trailers));
    this.#end();
    // As text, Node joins it with the head to one write instead of two pieces; latin1 keeps the bytes.
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
    if (this.#phase !== 'over') this.#fail(error instanceof Fault ? error : toHopFault(error));
  }

  clientLeft(): void {
    if (this.#phase === 'over') return;
    this.#end();
    this.#controller?.abort(new Error('the client left'));
    this.#resolve('answered');
  }

  allowedTicks(): number {
    if (this.#phase !== 'body') return this.#tools.firstByteTicks;
    // A paused answer waits for the client, whose patience has a timeout of its own.
    return this.#eventStream || this.#exchange.response.writableNeedDrain ? 0 : this.#tools.idleTicks;
  }

  expire(): void {
    if (this.#phase === 'queued') {
      this.#fail(
        new Fault('hop_busy', {
          message: 'no connection to the hop became free in time',
          headers: ['Retry-After', '1'],
        }),
      );
    } else {
      const message = this.#phase === 'body' ? 'the answer stopped in the middle' : 'no answer in time';
      this.#fail(new Fault('hop_timeout', { message }));
    }
  }

  #dispatch(): void {
    this.moved();
    if (this.#hasBody) {
      // An Upload is all of a Readable that undici uses.
      this.#options.body = new Upload(this.#exchange, this) as unknown as Readable;
    }
    this.#tools.pool.dispatch(this.#options, this);
  }

  /** Interim answers go on as they come (RFC 9110 15.2); a 1.0 client has never heard of them. */
  #passInterim(status: number, rawFields: readonly Buffer[]): void {
    const { request, response } = this.#exchange;
    if (request.httpVersion === '1.1') response.writeInformation(status, this.#tools.answerFields.toInterim(rawFields));
  }

  #passHead(status: number, rawFields: readonly Buffer[], reason: string): void {
    const exchange = this.#exchange;
    exchange.upstreamStatus = String(status);
    this.#connection = this.#tools.connections.reading;
    if (this.#connection) {
      this.#connection.answers++;
      exchange.upstreamAddress = this.#connection.address;
    }
    const head = this.#tools.answerFields.toClient(rawFields, status, exchange);
    this.#eventStream = head.eventStream;
    if (head.contentLength <= JOINED_BYTES) this.#wholeBodyBytes = head.contentLength;
    if (this.#hasBody && !exchange.request.complete) {
      // An answer before the whole upload came: the client may stop sending, so the connection cannot be used again.
      head.fields.push('Connection', 'close');
      lingerOnClose(exchange.socket);
    }
    exchange.response.writeHead(status, toReasonPhrase(reason, status), head.fields);
    this.#phase = 'body';
    process.nextTick(flushHead, this);
  }

  /** Sends the head alone if no body came with it, so that an event stream opens at once. */
  flushHead(): void {
    if (!this.#wroteBody && this.#phase === 'body') this.#exchange.response.flushHeaders();
  }

  /**
   * Once, and only if nothing of the request can have been acted on: the connection was refused, or a reused one broke
   * before the first byte of an answer to an idempotent request without a body (RFC 9110 9.2.2).
   */
  #mayRetry(error: Error): boolean {
    if (this.#retried || this.#answerBegan) return false;
    if (isRefused(error)) return true;
    const connection = this.#tools.connections.brokenBy(error);
    const reused = connection !== undefined && connection.answers > 0;
    return reused && !this.#hasBody && IDEMPOTENT.has(this.#options.method) && toHopFault(error).code === 'hop_reset';
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
  }
}

function flushHead(forward: Forward): void {
  forward.flushHead();
}
