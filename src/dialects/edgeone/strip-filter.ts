import type { Exchange } from '../../contract/exchange.ts';
import type { Outcome, Target } from '../../contract/target.ts';
import { patchRequest } from '../../http/patch-request.ts';

/**
 * Removes headers that only the platform sets, because functions trust them. A client may send them
 * through a trusted proxy, too. Runs before all other filters.
 */
export class StripFilter implements Target {
  readonly name = 'edgeone.json';
  readonly #names: readonly string[];

  /** `names`: in lower case. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  answer({ request }: Exchange): Outcome {
    if (request.isOwn) return 'passed';
    const found = this.#names.filter((name) => request.get(name) !== undefined);
    if (found.length > 0) {
      patchRequest(
        request,
        found.map((name) => [name, undefined]),
      );
    }
    return 'passed';
  }
}
