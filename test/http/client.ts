import test, { type ExecutionContext } from 'ava';
import { trustedPeers } from '../../src/config/setting.ts';
import type { Client } from '../../src/contract/client.ts';
import { identify } from '../../src/http/client.ts';
import { receive, receiveEncrypted } from '../helpers/received-request.ts';

const POD_NETWORK = trustedPeers('127.0.0.1,10.0.0.0/8,fd00::/8');
const NO_PEER = trustedPeers('none');

async function clientOf(t: ExecutionContext, headers: readonly string[], isTrusted = POD_NETWORK): Promise<Client> {
  const head = ['GET / HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n');
  return receive(t, head, (request) => identify(request, isTrusted));
}

const ADDRESSES: readonly (readonly [promise: string, headers: readonly string[], address: string])[] = [
  ['is the peer when no header names a client, IPv4 as IPv4', [], '127.0.0.1'],
  ['is True-Client-IP', ['True-Client-IP: 203.0.113.7', 'X-Forwarded-For: 198.51.100.1'], '203.0.113.7'],
  ['is TRUE-CLIENT-IP in upper case', ['TRUE-CLIENT-IP: 2001:db8::7'], '2001:db8::7'],
  ['is IPv4 when True-Client-IP has it mapped into IPv6', ['True-Client-IP: ::ffff:203.0.113.7'], '203.0.113.7'],
  ['has no zone', ['True-Client-IP: fe80::1%eth0'], 'fe80::1'],
  [
    'is not a True-Client-IP that is not an IP address',
    ['True-Client-IP: me', 'X-Forwarded-For: 198.51.100.1'],
    '198.51.100.1',
  ],
  ['is not a True-Client-IP with a port', ['True-Client-IP: 203.0.113.7:80'], '127.0.0.1'],
  [
    'is not taken from two True-Client-IP headers',
    ['True-Client-IP: 203.0.113.7', 'true-client-ip: 203.0.113.8'],
    '127.0.0.1',
  ],
  ['is not taken from two addresses in one True-Client-IP', ['True-Client-IP: 203.0.113.7, 203.0.113.8'], '127.0.0.1'],
  ['is the right-most address of X-Forwarded-For', ['X-Forwarded-For: 198.51.100.1, 198.51.100.2'], '198.51.100.2'],
  [
    'is the address left of trusted proxies',
    ['X-Forwarded-For: 198.51.100.1, 198.51.100.2, 10.0.0.1,10.0.0.2'],
    '198.51.100.2',
  ],
  [
    'is found in several X-Forwarded-For headers',
    ['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 10.0.0.1'],
    '198.51.100.1',
  ],
  ['is the peer when all addresses are trusted', ['X-Forwarded-For: 10.0.0.1, 10.0.0.2'], '127.0.0.1'],
  ['is found before a port', ['X-Forwarded-For: 198.51.100.2:4711'], '198.51.100.2'],
  ['is found in brackets', ['X-Forwarded-For: [2001:db8::2]'], '2001:db8::2'],
  [
    'is found in brackets before a port',
    ['X-Forwarded-For: 198.51.100.1, [2001:db8::2]:80, [fd00::1]:80'],
    '2001:db8::2',
  ],
  ['is not searched left of an invalid entry', ['X-Forwarded-For: 198.51.100.1, unknown, 10.0.0.1'], '127.0.0.1'],
  ['is not searched left of an invalid port', ['X-Forwarded-For: 198.51.100.1, 10.0.0.1:http'], '127.0.0.1'],
  ['is searched left of empty entries', ['X-Forwarded-For: , 198.51.100.1,, ,'], '198.51.100.1'],
];

for (const [promise, headers, address] of ADDRESSES) {
  test(`the client's address, from a trusted peer, ${promise}`, async (t) => {
    const client = await clientOf(t, headers);

    t.is(client.address, address);
    t.true(client.trusted);
  });
}

const SCHEMES: readonly (readonly [headers: readonly string[], proto: Client['proto']])[] = [
  [[], 'http'],
  [['X-Forwarded-Proto: https'], 'https'],
  [['x-forwarded-proto: HTTPS'], 'https'],
  [['X-Forwarded-Proto: https,http'], 'https'],
  [['X-Forwarded-Proto: http, https'], 'http'],
  [['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'], 'https'],
  [['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'], 'http'],
  [['X-Forwarded-Proto: httpsx'], 'http'],
  [['X-Forwarded-Proto: wss'], 'http'],
];

for (const [headers, proto] of SCHEMES) {
  test(`the scheme from a trusted peer's [${headers.join('; ')}] is ${proto}`, async (t) => {
    t.is((await clientOf(t, headers)).proto, proto);
  });
}

test("the client's address is the socket's when the peer is untrusted, whatever headers were sent", async (t) => {
  const claims = ['True-Client-IP: 203.0.113.7', 'X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https'];

  const client = await clientOf(t, claims, NO_PEER);

  t.deepEqual(client, { address: '127.0.0.1', proto: 'http', trusted: false });
});

test('the trust check runs once per connection', async (t) => {
  const checked: string[] = [];
  const isTrusted = (address: string) => checked.push(address) > 0;

  await receive(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', (request) => {
    identify(request, isTrusted);
    identify(request, isTrusted);
  });

  t.deepEqual(checked, ['127.0.0.1']);
});

test('a peer whose socket is closed has no address and is not trusted', async (t) => {
  const client = await receive(t, 'GET / HTTP/1.1\r\nHost: a\r\nTrue-Client-IP: 203.0.113.7\r\n\r\n', (request) => {
    request.socket.destroy();
    return identify(request, trustedPeers('all'));
  });

  t.deepEqual(client, { address: '', proto: 'http', trusted: false });
});

test('an encrypted connection has the scheme https, unless a trusted peer sends another one', async (t) => {
  const protoOf = (headers: string) =>
    receiveEncrypted(
      t,
      `GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`,
      (request) => identify(request, POD_NETWORK).proto,
    );

  t.is(await protoOf(''), 'https');
  t.is(await protoOf('X-Forwarded-Proto: http\r\n'), 'http');
});

test('two servers with different trusted peers decide separately about one connection', async (t) => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\nTrue-Client-IP: 203.0.113.7\r\n\r\n';
  const clients = await receive(t, head, (request) => [identify(request, POD_NETWORK), identify(request, NO_PEER)]);

  t.deepEqual(
    clients.map(({ address, trusted }) => [address, trusted]),
    [
      ['203.0.113.7', true],
      ['127.0.0.1', false],
    ],
  );
});
