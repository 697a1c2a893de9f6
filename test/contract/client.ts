import test from 'ava';
import { toNetwork } from '../../src/contract/client.ts';

const ROWS = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::3:4:5:6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
] as const;

for (const [address, network] of ROWS) {
  test(`requests from ${address || 'an unknown address'} are counted for ${network || 'it'}`, (t) => {
    t.is(toNetwork(address), network);
  });
}
