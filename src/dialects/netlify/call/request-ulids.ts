import { randomFillSync } from 'node:crypto';
import { incrementBase32, ulid } from 'ulid';
import type { Exchange } from '../../../contract/exchange.ts';

/** The header that carries the id of a request, to functions and to clients. */
export const REQUEST_ID = 'x-nf-request-id';

/** A ULID; letters may have any case. */
const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i;

/**
 * Random bytes drawn at once. Drawing each byte alone, as ulid does by default, takes forty times
 * as long as the rest of an id.
 */
const POOL = 1024;

/** Characters of the time; the random part is behind them. */
const TIME_LENGTH = 10;

/** The ids of requests that functions see. The ids of one millisecond count up, as those of `monotonicFactory` do, and share the text of their time. */
export class RequestUlids {
  readonly #pool = Buffer.alloc(POOL);
  #at = POOL;
  #atMs = 0;
  #time = '';
  #random = '';

  /** The id that a trusted peer sent, if it is a ULID; else a new one. */
  of({ client, request }: Exchange): string {
    const given = client.trusted ? request.get(REQUEST_ID) : undefined;
    return given !== undefined && ULID.test(given) ? given : this.#make();
  }

  #make(): string {
    const nowMs = Date.now();
    if (nowMs > this.#atMs) {
      this.#atMs = nowMs;
      const id = ulid(nowMs, this.#next);
      this.#time = id.slice(0, TIME_LENGTH);
      this.#random = id.slice(TIME_LENGTH);
    } else this.#random = incrementBase32(this.#random);
    return this.#time + this.#random;
  }

  readonly #next = (): number => {
    if (this.#at === POOL) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    return (this.#pool[this.#at++] ?? 0) / 256;
  };
}
