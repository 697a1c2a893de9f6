import type { AskedRequest, Effect } from './effect.ts';
import type { Exchange } from './exchange.ts';

/** Values that the pattern of a route took from the path: `[id]` a decoded string, `[[rest]]` an array of segments. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

const NO_MEMBERS: object = Object.freeze(Object.create(null));

/**
 * Empty params, to be filled. They inherit nothing, so that a parameter may have any name and a function sees the values of the path only. V8 copies them in a
 * tenth of the time that it takes for an object without a prototype, and functions get copies.
 */
export function createParams<T extends string | readonly string[]>(): Record<string, T> {
  return Object.create(NO_MEMBERS);
}

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
  /** It is nexthop's own handling, which is not to blame if the process dies meanwhile: its requests are never refused with `route_stopped`. */
  readonly isOwn?: boolean;
  /** It makes the spans of its calls itself. */
  readonly isTraced?: boolean;
  answer(exchange: Exchange, params: Params): Answer;
  /**
   * Answers if that takes no code of the site, as from a cache: then nothing of the run of such code is prepared. False: `answer` is called in the same
   * turn.
   */
  answerAtOnce?(exchange: Exchange, params: Params): boolean;
  /**
   * What it would do with a request, by the same tables as `answer` and without code of the site, for `nexthop routes PATH`. Undefined: it passes the
   * request as it is. Absent: it answers, or, as a filter, its code decides.
   */
  describe?(asked: AskedRequest, params: Params): Effect | undefined;
}

/** Answers when no route does: the hop, or the host's `next`. It never passes. */
export interface Fallback extends Target {
  /**
   * Tried before routes with `afterFallback`, for a request without a body: passes if the response is 404 or the server cannot be reached. Absent if a
   * request cannot be tried without effect.
   */
  answerUnlessMissing?(exchange: Exchange): Promise<Outcome>;
}
