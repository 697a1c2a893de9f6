import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Exchange } from '../../../contract/exchange.ts';

/** Of an id and of the field that carries it, to functions and back to clients. */
export const REQUEST_ID = 'x-nf-request-id';

/** A ULID, in letters of any case. */
const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i;

/** Bytes drawn at a time: one by one, as ulid does by itself, they cost forty times as much as the rest of an id. */
const POOL = 1024;

/** The ids under which requests are known to functions. */
export class RequestUlids {
  readonly #make: () => string;

  constructor() {
    const pool = Buffer.alloc(POOL);
    let at = POOL;
    const next = monotonicFactory(() => {
      if (at === POOL) {
        randomFillSync(pool);
        at = 0;
      }
      return (pool[at++] ?? 0) / 256;
    });
    this.#make = () => next();
  }

  /** What a trusted peer calls the request, if that is a ULID; else one of our own. */
  of({ client, request }: Exchange): string {
    const given = client.trusted ? request.headers[REQUEST_ID] : undefined;
    return typeof given === 'string' && ULID.test(given) ? given : this.#make();
  }
}
