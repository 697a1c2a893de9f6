import { isIPv6 } from 'node:net';
import type { Exchange } from '../contract/exchange.ts';
import type { LimitKey, RateRule } from '../contract/rate-limit.ts';

/** The key by which a rule counts a request. */
export function toLimitKey({ by }: RateRule, exchange: Exchange): string {
  return by.map((each) => READERS[each](exchange)).join(' ');
}

const READERS: Readonly<Record<LimitKey, (exchange: Exchange) => string>> = {
  ip: ({ client }) => toNetwork(client.address),
  domain: ({ request }) => (request.host ?? '').toLowerCase().replace(/:\d*$/, ''),
};

/** One client owns a /64 of IPv6, or an IPv4 address. The address as given if it is none of either. */
export function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = toGroups(head);
  if (tail !== undefined) {
    const last = toGroups(tail);
    groups.push(...Array<number>(8 - groups.length - last.length).fill(0), ...last);
  }
  const [, , , , , mark = 0, high = 0, low = 0] = groups;
  const isIpv4 = mark === 0xffff && groups.findIndex((group) => group !== 0) === 5;
  if (isIpv4) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The numbers of 16 bits. The last two may be written as an IPv4 address; a zone is ignored. */
function toGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [one = 0, two = 0, three = 0, four = 0] = part.split('.').map(Number);
    return [one * 256 + two, three * 256 + four];
  });
}
