import { randomBytes } from 'node:crypto';
import type { IncomingRequest } from '../contract/http-message.ts';
import type { RequestId } from '../contract/request-id.ts';

/** 32 hex digits like the platform's ids: 20 random digits for the process, 12 for the count. */
const PROCESS_DIGITS = 20;
const COUNT_DIGITS = 12;

/** Longer ids are not accepted, because the id is in every log line. */
const LONGEST = 128;
const VISIBLE = /^[!-~]+$/;

/**
 * Creates the ids of requests in all logs. An id must be unique, not secret: random digits per
 * process and a count cost a tenth of a random number per request.
 */
export class RequestIds {
  readonly #process = randomBytes(PROCESS_DIGITS / 2).toString('hex');
  #count = 0;

  /**
   * Returns the platform's `section-io-id`, else `x-request-id`, else a new id. Call it after
   * `identify`, which removes the `section-io-id` of an untrusted peer.
   */
  of(request: Pick<IncomingRequest, 'get'>): RequestId {
    const platform = request.get('section-io-id');
    if (isId(platform)) return { value: platform, name: 'section-io-id', made: false };
    const general = request.get('x-request-id');
    if (isId(general)) return { value: general, name: 'x-request-id', made: false };
    return { value: this.#make(), name: 'x-request-id', made: true };
  }

  #make(): string {
    this.#count++;
    return this.#process + this.#count.toString(16).padStart(COUNT_DIGITS, '0');
  }
}

/**
 * Repeated headers are no valid id: they are joined with ", ", and a space is not a visible
 * character.
 */
function isId(value: string | undefined): value is string {
  return value !== undefined && value.length <= LONGEST && VISIBLE.test(value);
}
