import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerListener } from '../../../contract/answer-listener.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { keepCall, releaseCall } from '../../../http/keep-call.ts';
import type { Manifest } from './manifest.ts';
import { adaptRequest } from './request-facade.ts';
import { ResponseFacade } from './response-facade.ts';

/**
 * The request handler that a build exports, for servers such as Express. A standalone build uses
 * only the first two arguments.
 */
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
  /** A further limit in bytes; 0: only `limits` applies. */
  readonly bodyLimit: number;
  /** True if the build waits for slow clients while it writes. */
  readonly isPaced: boolean;
  /** The build renders the request: no file has its path. */
  readonly isPage: boolean;
  /**
   * What happens when the build has no page.
   * 'next': it gets a `next` and calls it, which passes. 'pass': its 404 is dropped, and the
   * request passes. 'answer': its 404 is the response.
   */
  readonly notFound: 'next' | 'pass' | 'answer';
}

/**
 * Lets a build answer a request. Resolves with 'answered' when the response is written or the
 * client has left; with 'passed' when no byte of the body is read and nothing is written. Throws a
 * Fault.
 */
export function callHandler(parts: HandlerCallParts): Promise<Outcome> {
  return new HandlerCall(parts).run();
}

class HandlerCall implements AnswerListener {
  readonly #parts: HandlerCallParts;
  readonly #facade: ResponseFacade;
  readonly #outcome = Promise.withResolvers<Outcome>();
  #isTimedOut = false;

  constructor(parts: HandlerCallParts) {
    const { exchange, isPaced, isPage, limits, notFound } = parts;
    this.#parts = parts;
    this.#facade = new ResponseFacade({
      exchange,
      isPaced,
      isPage,
      onNotFound: notFound === 'pass' ? () => this.#pass() : undefined,
      onFault: (fault) => this.#fail(fault),
      onLate: () => this.#isTimedOut && limits.reportLate(exchange),
    });
  }

  async run(): Promise<Outcome> {
    const { exchange, limits } = this.#parts;
    const { response } = exchange.node;
    const restoreRequest = adaptRequest(exchange, () => this.#beginBody());
    keepCall(exchange);
    const answered = (): void => {
      this.#facade.wake();
      this.#outcome.resolve('answered');
    };
    exchange.listen(this);
    response.once('close', answered);
    try {
      this.#call();
      return await limits.inTime(exchange, this.#outcome.promise);
    } catch (cause) {
      const fault = cause instanceof Fault ? cause : new Fault('function_error', { cause });
      this.#isTimedOut = fault.code === 'function_timeout';
      // The end of the connection is the only event by which the build learns that it can stop.
      if (this.#isTimedOut) exchange.response.closeBehind();
      throw fault;
    } finally {
      response.off('close', answered);
      exchange.listen(undefined);
      this.#facade.takeBack();
      if (!this.#isTimedOut) restoreRequest();
      releaseCall(exchange);
    }
  }

  clientLeft(): void {
    this.#facade.wake();
  }

  drained(): void {
    this.#facade.wake();
  }

  pairFailed(fault: Fault): void {
    this.#fail(fault);
  }

  #call(): void {
    const { exchange, handler, notFound } = this.#parts;
    const next = (error?: unknown): void => (error === undefined ? this.#pass() : this.#fail(error));
    exchange.noteRun();
    try {
      const returned = handler(
        exchange.node.request,
        this.#facade.given,
        notFound === 'next' ? next : undefined,
        exchange.locals,
      );
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#failLater(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Takes the response back synchronously: what the build writes in the same turn must not reach
   * the client.
   */
  #pass(): void {
    // The build has already begun a response.
    if (this.#facade.hasBegun) return;
    this.#facade.takeBack();
    this.#outcome.resolve('passed');
  }

  #fail(error: unknown): void {
    this.#facade.takeBack();
    this.#outcome.reject(error);
  }

  /** The handler's promise rejected. If the response is over, the error can only be logged. */
  #failLater(error: unknown): void {
    const { response, pendingWork, answeredBy } = this.#parts.exchange;
    if (response.isClosed) pendingWork.add(Promise.reject(error), answeredBy);
    else this.#fail(error);
  }

  /**
   * The build starts to read the body. Until then the request may pass to a target with other
   * limits.
   */
  #beginBody(): void {
    const { exchange, limits, bodyLimit } = this.#parts;
    try {
      limits.limitBody(exchange);
      exchange.limitBody(bodyLimit);
    } catch (fault) {
      this.#fail(fault);
    }
  }
}

/** A build whose handler is loaded in this process. */
export interface HostedBuild {
  /** Its entry, relative to the site. */
  readonly name: string;
  readonly handler: Handler;
  /** A standalone build takes no `next`: it answers 404 itself. */
  readonly mode: 'middleware' | 'standalone';
  /** Absolute path of the folder of its files. */
  readonly client: string;
  /** True if it waits for slow clients while it writes. */
  readonly isPaced: boolean;
  /** True if it redirects a path with the wrong slash at its end. */
  readonly redirectsSlash: boolean;
  /** Undefined if it could not be read. */
  readonly manifest: Manifest | undefined;
  readonly limits: FunctionLimits;
}
