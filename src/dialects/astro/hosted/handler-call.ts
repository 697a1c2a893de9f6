import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome } from '../../../contract/target.ts';
import { countRawBody } from '../../../http/count-raw-body.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { keepCall } from '../../../http/keep-call.ts';
import type { Manifest } from './manifest.ts';
import { lendRequest } from './request-facade.ts';
import { ResponseFacade } from './response-facade.ts';

/** What a build exports: the same for Express and its like. One for standalone use takes no more than the first two. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: ((error?: unknown) => void) | undefined,
  locals: object | undefined,
) => unknown;

export interface HandlerCallParts {
  readonly exchange: Exchange;
  readonly handler: Handler;
  readonly limits: FunctionLimits;
  /** Bytes; 0: what the limits say. */
  readonly bodyLimit: number;
  /** The loop in which the build writes waits for slow clients. */
  readonly isPaced: boolean;
  /** What is not found: it says so by `next`, or by a 404 that is then none, or its 404 page is the answer. */
  readonly missing: 'next' | 'not-found' | 'answer';
}

/** Has a build answer a request. Resolves when the answer is written or the client is gone, or with 'passed' when nothing was read and written. Throws a Fault. */
export function callHandler(parts: HandlerCallParts): Promise<Outcome> {
  return new HandlerCall(parts).run();
}

class HandlerCall {
  readonly #parts: HandlerCallParts;
  readonly #lent: ResponseFacade;
  readonly #outcome = Promise.withResolvers<Outcome>();
  #isTimedOut = false;

  constructor(parts: HandlerCallParts) {
    const { exchange, isPaced, limits, missing } = parts;
    this.#parts = parts;
    this.#lent = new ResponseFacade({
      exchange,
      isPaced,
      onMissing: missing === 'not-found' ? () => this.#pass() : undefined,
      onFault: (fault) => this.#fail(fault),
      onLate: () => this.#isTimedOut && limits.reportLate(exchange),
    });
  }

  async run(): Promise<Outcome> {
    const { exchange, limits } = this.#parts;
    const { response } = exchange;
    const takeBackRequest = lendRequest(exchange, () => this.#beginBody());
    const takeBackCall = keepCall(exchange);
    const answered = (): void => this.#outcome.resolve('answered');
    response.once('close', answered);
    try {
      this.#call();
      return await limits.inTime(exchange, this.#outcome.promise);
    } catch (cause) {
      const fault = cause instanceof Fault ? cause : new Fault('function_error', { cause });
      this.#isTimedOut = fault.code === 'function_timeout';
      // It hears only by the end of its connection that nobody waits any more.
      if (this.#isTimedOut) response.shouldKeepAlive = false;
      throw fault;
    } finally {
      response.off('close', answered);
      this.#lent.takeBack();
      if (!this.#isTimedOut) takeBackRequest();
      takeBackCall();
    }
  }

  #call(): void {
    const { exchange, handler, missing } = this.#parts;
    const next = (error?: unknown): void => (error === undefined ? this.#pass() : this.#fail(error));
    try {
      const returned = handler(
        exchange.request,
        this.#lent.given,
        missing === 'next' ? next : undefined,
        exchange.locals,
      );
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#failLater(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** At once, as the others do: whatever the build does in the same moment must not reach the client. */
  #pass(): void {
    // It has answered before.
    if (this.#lent.hasBegun) return;
    this.#lent.takeBack();
    this.#outcome.resolve('passed');
  }

  #fail(error: unknown): void {
    this.#lent.takeBack();
    this.#outcome.reject(error);
  }

  /** Of what goes wrong behind the answer the client can be told nothing any more. */
  #failLater(error: unknown): void {
    const { response, pendingWork, answeredBy } = this.#parts.exchange;
    if (response.closed) pendingWork.add(Promise.reject(error), answeredBy);
    else this.#fail(error);
  }

  /** Somebody is about to read. Until then the request may still pass to others, for whom other limits hold. */
  #beginBody(): void {
    const { exchange, limits, bodyLimit } = this.#parts;
    try {
      limits.limitBody(exchange);
      exchange.limitBody(bodyLimit);
      exchange.admitBody();
      // What came until now.
      exchange.countBody(exchange.request.readableLength);
      countRawBody(exchange, (fault) => this.#fail(fault));
    } catch (fault) {
      this.#fail(fault);
    }
  }
}

/** A build that runs here. */
export interface HostedBuild {
  /** Its entry, relative to the site. */
  readonly name: string;
  readonly handler: Handler;
  /** One for standalone use knows no `next`: what it does not find it answers itself. */
  readonly mode: 'middleware' | 'standalone';
  /** Absolute path of the folder of its files. */
  readonly client: string;
  /** The loop in which it writes waits for slow clients. */
  readonly isPaced: boolean;
  /** It redirects a path with the wrong slash at its end itself. */
  readonly redirectsSlash: boolean;
  /** Undefined where nothing is known of it. */
  readonly manifest: Manifest | undefined;
  readonly limits: FunctionLimits;
}
