import test from 'ava';
import { shortAddress } from '../../src/log/short-address.ts';

test('a shortened address keeps its network: three octets of IPv4, a /48 of IPv6', (t) => {
  const expected = {
    '192.0.2.77': '192.0.2.0',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1::',
    '2001:db8::1': '2001:db8::',
    '2001:db8:1::': '2001:db8:1::',
    '1::2:3:4:5:6:7': '1:0:2::',
    'fe80::1%eth0': 'fe80::',
    '::1': '::',
    '::ffff:192.0.2.1': '::',
    '64:ff9b:1:2:3:4:192.0.2.1': '64:ff9b:1::',
  };

  t.deepEqual(Object.fromEntries(Object.keys(expected).map((address) => [address, shortAddress(address)])), expected);
});

test('a text that is not an address becomes empty', (t) => {
  t.deepEqual(['', 'unknown', '1.2.3', '10.0.0.1:80'].map(shortAddress), ['', '', '', '']);
});
