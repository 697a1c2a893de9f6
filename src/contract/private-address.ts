import { BlockList, isIP } from 'node:net';

/** The pod network: loopback, private, shared (100.64/10), link-local and unique-local addresses. */
export const PRIVATE_RANGES = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
] as const;

const RANGES = new BlockList();
for (const range of PRIVATE_RANGES) {
  const [address = '', bits] = range.split('/');
  RANGES.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Whether an address is in one of the private ranges. False for text that is no address. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && RANGES.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
