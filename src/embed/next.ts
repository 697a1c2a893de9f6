import type { Exchange } from '../contract/exchange.ts';
import type { Miss, Outcome, Params } from '../contract/target.ts';

/** What stands behind a middleware: there the host answers what nobody here does. Where nobody stands, `last` answers; without it that is `not_found`. */
export function nextOr(last: Miss | undefined): Miss {
  return {
    name: 'next',
    async answer(exchange: Exchange, params: Params): Promise<Outcome> {
      const { lender } = exchange;
      if (last && !lender?.hasNext) {
        exchange.answeredBy = last.name;
        return last.answer(exchange, params);
      }
      lender?.takeBack();
      return 'answered';
    },
  };
}
