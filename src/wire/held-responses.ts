import { AsyncLocalStorage } from 'node:async_hooks';

/** Responses that end at longer intervals are sent at once: a client would wait for the work of other requests. */
const BUSY_MS = 0.2;
/** A response that ends so long after the first held one sends all of them. */
const LONGEST_HOLD_MS = 0.5;

/** A complete response that is not sent yet. */
export interface HeldResponse {
  /** Idempotent. */
  send(): void;
}

/**
 * The complete responses of a busy server that are sent one after the other at the end of the turn of the event loop. A write wakes its reader, which costs as much as
 * the write itself; of writes that directly follow each other only the first one does, because the reader is then busy with it.
 */
export class HeldResponses {
  #held: HeldResponse[] = [];
  #beganAtMs = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  /** What an AsyncLocalStorage has for the request that called `add` first must not be there for requests that are read after these responses. */
  readonly #outside = AsyncLocalStorage.snapshot();

  readonly #now: () => number;

  /** `now`: a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Called once for each response that may be held. True if it should be: the one before it ended just now. */
  isBusy(): boolean {
    const nowMs = this.#now();
    const isBusy = nowMs - this.#endedAtMs < BUSY_MS;
    this.#endedAtMs = nowMs;
    return isBusy;
  }

  /** Sends the response at the end of this turn, or before. */
  add(response: HeldResponse): void {
    if (this.#held.length === 0) {
      this.#beganAtMs = this.#endedAtMs;
      setImmediate(sendAll, this);
    }
    this.#held.push(response);
    if (this.#endedAtMs - this.#beganAtMs > LONGEST_HOLD_MS) this.send();
  }

  send(): void {
    const held = this.#held;
    if (held.length === 0) return;
    this.#held = [];
    this.#outside(() => {
      for (const response of held) response.send();
    });
  }
}

function sendAll(held: HeldResponses): void {
  held.send();
}
