import type { Exchange } from '../../../contract/exchange.ts';
import { toGeo } from '../call/geo.ts';
import type { FindCountry } from './rule-request.ts';

/** The country of clients: the value of a trusted peer, or in development always `mockCountry`. */
export function findCountry(mockCountry: string | undefined): FindCountry {
  if (mockCountry !== undefined) return () => mockCountry;
  return ({ request }: Exchange) => toGeo(request.headers).country?.code ?? '';
}
