import { isIP } from 'node:net';

const GROUPS = 8;
/** An IPv6 site has a /48: what follows names its networks and machines. */
const KEPT_GROUPS = 3;

/**
 * An IP address that no longer names one machine, as the platform logs it: the last octet of IPv4 zeroed (`192.0.2.0`), of IPv6
 * all after /48 (`2001:db8:1::`). What is no address comes out empty, since nobody knows what it would tell.
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

/** A dotted IPv4 address at the end stands for two groups; both lie behind what is kept. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
