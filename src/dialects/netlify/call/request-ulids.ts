import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';
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

/** The ids of requests that functions see. */
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

  /** The id that a trusted peer sent, if it is a ULID; else a new one. */
  of({ client, request }: Exchange): string {
    const given = client.trusted ? request.get(REQUEST_ID) : undefined;
    return given !== undefined && ULID.test(given) ? given : this.#make();
  }
}
