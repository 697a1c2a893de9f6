import type { Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { SiteFiles } from '../../../contract/site-files.ts';
import type { Outcome, Target } from '../../../contract/target.ts';

const PAGE = '/404.html';

/** Answers any request with the site's page for what it does not have, and 404. Without that page nexthop's own answers. */
export class NotFoundPage implements Target {
  readonly name = PAGE;
  readonly isOwn = true;
  readonly #files: SiteFiles;

  constructor(files: SiteFiles) {
    this.#files = files;
  }

  describe(): Effect {
    return { text: 'answers 404', outcome: 'answers' };
  }

  /** `status`: a rule may say that the page is gone. */
  async answer(exchange: Exchange, _params?: unknown, status = 404): Promise<Outcome> {
    exchange.ruleStatus = status;
    if ((await this.#files.answer(exchange, PAGE)) === 'answered') return 'answered';
    throw new Fault('not_found', { status });
  }
}
