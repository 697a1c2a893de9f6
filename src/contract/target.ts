import type { Exchange } from './exchange.ts';

/** What the pattern of a route took from the path: `[id]` a decoded string, `[[rest]]` an array of raw segments. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

/** The target wrote (or is bound to write) the answer, or left the exchange untouched for the next one. */
export type Outcome = 'answered' | 'passed';

/**
 * Whatever can answer a request: a function, a file, the hop.
 *
 * A target may pass only while nothing of the request's body is read and nothing of the response is written.
 * It throws a `Fault` for whatever goes wrong; it never writes an error page itself.
 */
export interface Target {
  /** What the table of routes and the access log call it, e.g. `cloud-functions/api/hello.js`. */
  readonly name: string;
  answer(exchange: Exchange, params: Params): Promise<Outcome>;
}

/** Who is asked last of all, when nobody here answers: the hop, or whatever stands behind a middleware. It never passes. */
export interface Fallback extends Target {
  /**
   * Asked first, for a request without a body: takes it unless there is nothing under its path, or nobody can be reached, and then passes. Absent where
   * asking cannot be taken back.
   */
  answerUnlessMissing?(exchange: Exchange): Promise<Outcome>;
}
