import type { Exchange } from '../http/exchange.ts';
import type { Miss, Outcome } from '../target.ts';

/** What stands behind a middleware: there the host answers what nobody here does. */
export const NEXT: Miss = {
  name: 'next',
  async answer({ lender }: Exchange): Promise<Outcome> {
    lender?.takeBack();
    return 'answered';
  },
};
