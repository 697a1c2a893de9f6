import type { Exchange } from './exchange.ts';

/** Values that the pattern of a route took from the path: `[id]` a decoded string, `[[rest]]` an array of segments. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

/** 'answered': the target has written the response, or will. 'passed': it left the exchange untouched for the next target. */
export type Outcome = 'answered' | 'passed';

/** A value of which nothing has to be awaited costs no turn. */
export type Answer = Outcome | Promise<Outcome>;

/**
 * Answers requests: a function, a file, the hop.
 *
 * A target may pass only while no byte of the request's body is read and no byte of the response is written.
 * It throws a `Fault` for every failure, or rejects with it; it never writes an error page itself. It reports a failure after its outcome by `Exchange.fail`.
 */
export interface Target {
  /** Its name in lists of routes and in the access log, e.g. `cloud-functions/api/hello.js`. */
  readonly name: string;
  /** No code of the site runs for it. */
  readonly isFile?: boolean;
  answer(exchange: Exchange, params: Params): Answer;
}

/** `Exchange.step` of pages of nexthop itself. */
export const OWN_PAGE = -1;

/** A page of nexthop itself, before all routes of the site. */
export interface OwnPage {
  /** False: the request goes on like any other one. */
  isAsked(exchange: Exchange): boolean;
  answer(exchange: Exchange): Answer;
}

/** Answers when no route does: the hop, or the host's `next`. It never passes. */
export interface Fallback extends Target {
  /**
   * Tried before routes with `afterFallback`, for a request without a body: passes if the response is 404 or the server cannot be reached. Absent if a
   * request cannot be tried without effect.
   */
  answerUnlessMissing?(exchange: Exchange): Promise<Outcome>;
}
