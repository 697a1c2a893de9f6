import { isIP } from 'node:net';

const GROUPS = 8;
/**
 * The first three groups: an IPv6 site has a /48, and later groups identify its networks and
 * machines.
 */
const KEPT_GROUPS = 3;

/**
 * Shortens an IP address so that it does not identify one machine, as the platform logs it: the
 * last octet of IPv4 is 0 (`192.0.2.0`), of IPv6 only the /48 is kept (`2001:db8:1::`). Returns ''
 * for any other text, because it could contain anything.
 */
export function shortAddress(address: string): string {
  const family = isIP(address);
  if (family === 4) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  return family === 6 ? shortIPv6(address) : '';
}

function shortIPv6(address: string): string {
  const [before = '', after] = address.split('::');
  const left = groupsOf(before);
  const right = after === undefined ? [] : groupsOf(after);
  const zeros = new Array<string>(Math.max(0, GROUPS - left.length - right.length)).fill('0');
  const kept = [...left, ...zeros, ...right].slice(0, KEPT_GROUPS);
  while (kept.at(-1) === '0') kept.pop();
  return `${kept.join(':')}::`;
}

/** A dotted IPv4 address at the end counts as two groups, which are never kept. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
