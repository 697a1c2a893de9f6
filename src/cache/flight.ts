import type { Exchange } from '../contract/exchange.ts';
import type { TargetCall } from './target-call.ts';

/** How long a request waits for the response to another one. */
const MOST_WAIT_MS = 5000;

/** 'kept': the response is in the cache. 'pass': it is not, so each request needs one of its own. 'left': the client of the waiting request has left. */
export type FlightEnd = 'kept' | 'pass' | 'left';

/** A call of a target, or a look-up in the store, whose result may become an entry. */
export interface Running {
  /** Of the URL for all versions of the site. */
  readonly urlKey: string;
  /** The URL was changed meanwhile: the result may be older than that. */
  isOutdated: boolean;
}

/** A request to a target whose response may be stored; others for the same entry wait for it. */
export class Flight implements Running {
  readonly urlKey: string;
  /** By the clock of the bans. */
  readonly askedAtMs: number;
  /** Resolves at the end, never with 'left'. */
  readonly ended: Promise<FlightEnd>;
  /** Undefined before the target is called. */
  call: TargetCall | undefined;
  /** The client of the first request still gets the response. */
  isAsked = true;
  isOutdated = false;
  /** The response will be stored when it is whole. */
  isCollecting = false;
  #waiting = 0;
  #end!: (end: FlightEnd) => void;

  constructor(urlKey: string, askedAtMs: number) {
    this.urlKey = urlKey;
    this.askedAtMs = askedAtMs;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Idempotent. */
  end(end: 'kept' | 'pass'): void {
    this.#end(end);
  }

  /** The code of the target has sent a request to its own host, and waits for the response. */
  get isFetchingOwn(): boolean {
    return this.call !== undefined && this.call.inner.ownFetches > 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Waits for the end, for 5 seconds at most, and not longer than the client of the exchange does. */
  async wait(exchange: Exchange): Promise<FlightEnd> {
    this.#waiting++;
    const early = Promise.withResolvers<FlightEnd>();
    const timer = setTimeout(() => early.resolve('pass'), MOST_WAIT_MS);
    exchange.listen({ clientLeft: () => early.resolve('left') });
    try {
      return await Promise.race([this.ended, early.promise]);
    } finally {
      clearTimeout(timer);
      exchange.listen(undefined);
      this.#waiting--;
      this.stopIfUnused();
    }
  }

  /** The client of the first request has left. */
  leave(): void {
    this.isAsked = false;
    this.stopIfUnused();
  }

  /** Nothing needs the response. */
  stopIfUnused(): void {
    if (!this.isAsked && !this.hasWaiting) this.call?.abort();
  }
}
