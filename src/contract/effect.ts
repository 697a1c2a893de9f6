import type { IncomingRequest } from './http-message.ts';
import type { KeptValues } from './kept-values.ts';

/** A request as a person asks about it: its headers, but Host, are not known. An exchange is one, too. */
export interface AskedRequest {
  /** In origin-form. */
  readonly target: string;
  readonly request: Pick<IncomingRequest, 'method' | 'host'>;
  /** Only of an exchange. */
  readonly kept?: KeptValues;
}

/** What a target would do with a request. */
export interface Effect {
  /** In the words of a line about the target, e.g. `redirects to /new with 301`. */
  readonly text: string;
  /**
   * 'may-answer': its code, or what is not known of the request, decides. 'passes': it changes the request or the response. 'skipped': it does
   * nothing, because its own declaration excludes the request; only for code that the author may expect to run here.
   */
  readonly outcome: 'answers' | 'may-answer' | 'passes' | 'skipped';
  /** The target of the request for what follows, if it replaces that. */
  readonly target?: string;
}

/** Of a filter that runs code of the site. */
export const RUNS_FIRST: Effect = { text: 'runs first: may answer, or change the request', outcome: 'may-answer' };

/** Of code that should answer, or guard what follows, and has not loaded. */
export const NOT_LOADED: Effect = { text: 'answers 500, because it does not load', outcome: 'answers' };

/** Of code whose declaration excludes a request. `reason`: e.g. `its excludedPath is /public/*`. */
export function toSkipped(reason: string): Effect {
  return { text: `does not run here: ${reason}`, outcome: 'skipped' };
}
