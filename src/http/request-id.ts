import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestId } from '../contract/exchange.ts';

/** 32 hex digits like the platform's: so many stand for the process, the others count. */
const PROCESS_DIGITS = 20;
const COUNT_DIGITS = 12;

/** Long enough for anybody's ids, short enough to stand in every line. */
const LONGEST = 128;
const VISIBLE = /^[!-~]+$/;

/**
 * The ids under which requests are known in every log. An id has to be unique, not secret: random digits for the process and a count
 * cost a tenth of a random number for each request.
 */
export class RequestIds {
  readonly #process = randomBytes(PROCESS_DIGITS / 2).toString('hex');
  #count = 0;

  /**
   * The platform's `section-io-id`, else `x-request-id`, else one of our own. Asked after `identify`, which has taken an
   * untrusted peer's `section-io-id` away.
   */
  of({ headers }: IncomingMessage): RequestId {
    const platform = headers['section-io-id'];
    if (isId(platform)) return { value: platform, name: 'section-io-id', made: false };
    const general = headers['x-request-id'];
    if (isId(general)) return { value: general, name: 'x-request-id', made: false };
    return { value: this.#make(), name: 'x-request-id', made: true };
  }

  #make(): string {
    this.#count++;
    return this.#process + this.#count.toString(16).padStart(COUNT_DIGITS, '0');
  }
}

/** Of several fields none is the id: Node has joined them with ", ", and a space is not visible. */
function isId(value: string | string[] | undefined): value is string {
  return typeof value === 'string' && value.length <= LONGEST && VISIBLE.test(value);
}
