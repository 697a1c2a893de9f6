import type { Fault } from './fault.ts';

/** The target that answers, while it has work that depends on the client. */
export interface AnswerListener {
  /** The client closed its connection before the whole response was written. */
  clientLeft(): void;
  /** The connection takes more content, after `write` returned false. */
  drained?(): void;
  /** Code used Node's pair, and its request or response failed; see `PairOwner.failPair`. */
  pairFailed?(fault: Fault): void;
  /** The client will send no further request. It may still read the response, or have closed; only a write shows which. */
  clientEnded?(): void;
}
