import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '../../fault.ts';
import { countRawBody } from '../../http/count-raw-body.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { Outcome } from '../../target.ts';
import type { FunctionLimits } from '../limits/function-limits.ts';
import { lendRequest } from './lent-request.ts';
import { LentResponse } from './lent-response.ts';

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
export async function callHandler(parts: HandlerCallParts): Promise<Outcome> {
  const { exchange, handler, limits, missing } = parts;
  const { request, response } = exchange;
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Outcome>();
  let isTimedOut = false;
  const bodyLimitBefore = exchange.bodyLimitBytes;
  const pass = (): void => {
    exchange.bodyLimitBytes = bodyLimitBefore;
    resolve('passed');
  };
  const answered = (): void => resolve('answered');
  const takeBackRequest = lendRequest(exchange, () => beginBody(parts, reject));
  const lent = new LentResponse({
    exchange,
    isPaced: parts.isPaced,
    onMissing: missing === 'not-found' ? pass : undefined,
    onFault: reject,
    onLate: () => isTimedOut && limits.tellLate(exchange),
  });
  const next = (error?: unknown): void => (error === undefined ? pass() : reject(error));
  response.once('close', answered);
  try {
    const returned = handler(request, lent.given, missing === 'next' ? next : undefined, toLocals(exchange));
    if (returned instanceof Promise) returned.catch(reject);
    return await limits.inTime(exchange, outcome);
  } catch (cause) {
    const fault = cause instanceof Fault ? cause : new Fault('function_error', { cause });
    isTimedOut = fault.code === 'function_timeout';
    // It holds the connection, too, and hears only by its end that nobody waits any more.
    if (isTimedOut) response.shouldKeepAlive = false;
    throw fault;
  } finally {
    response.off('close', answered);
    lent.takeBack();
    if (!isTimedOut) takeBackRequest();
  }
}

/** Somebody is about to read. Until then the request may still pass to others, for whom other limits hold. */
function beginBody({ exchange, limits, bodyLimit }: HandlerCallParts, reject: (error: unknown) => void): void {
  try {
    limits.limitBody(exchange);
    exchange.limitBody(bodyLimit);
    exchange.admitBody();
    // What came until now.
    exchange.countBody(exchange.request.readableLength);
    countRawBody(exchange, reject);
  } catch (fault) {
    reject(fault);
  }
}

/** Anything else makes Astro fail. */
function toLocals({ locals }: Exchange): object | undefined {
  return locals;
}
