import type { Log } from '../../../contract/log.ts';
import { nativeFetch } from '../../../contract/own-fetch.ts';

/** developers.google.com/recaptcha/docs/verify */
const VERIFIER = 'https://www.google.com/recaptcha/api/siteverify';

const TIMEOUT_MS = 5000;

/** Checks solved challenges of reCAPTCHA 2 with the secret of the site. */
export class Challenge {
  readonly #secret: string;
  readonly #log: Log;
  readonly #verifier: string;

  constructor(secret: string, log: Log, verifier = VERIFIER) {
    this.#secret = secret;
    this.#log = log;
    this.#verifier = verifier;
  }

  /**
   * False if there is no response, or if it is not valid. True if it cannot be checked: a lost
   * submission is worse than a needless one. Never rejects.
   */
  async isSolved(response: string | undefined, clientAddress: string): Promise<boolean> {
    if (!response) return false;
    try {
      const body = new URLSearchParams({ secret: this.#secret, response, remoteip: clientAddress });
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await nativeFetch(this.#verifier, { method: 'POST', body, signal });
      if (!answer.ok) throw new Error(`the status is ${answer.status}`);
      const { success } = (await answer.json()) as { readonly success?: unknown }; // checked below
      return success === true;
    } catch (error) {
      this.#log.warn('the service of reCAPTCHA cannot be reached to check a challenge; the submission is accepted', {
        error,
      });
      return true;
    }
  }
}
