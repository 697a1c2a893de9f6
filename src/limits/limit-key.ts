import { toNetwork } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { LimitKey, RateRule } from '../contract/rate-limit.ts';

/** The key by which a rule counts a request. */
export function toLimitKey({ by }: RateRule, exchange: Exchange): string {
  return by.map((each) => READERS[each](exchange)).join(' ');
}

const READERS: Readonly<Record<LimitKey, (exchange: Exchange) => string>> = {
  ip: ({ client }) => toNetwork(client.address),
  domain: ({ request }) => (request.host ?? '').toLowerCase().replace(/\.?(?::\d*)?$/, ''),
};
