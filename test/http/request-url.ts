import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { toHref } from '../../src/http/request-url.ts';

const HOSTS = [
  ...[
    'example.com',
    'a.b-c.example:8443',
    'localhost:8080',
    '127.0.0.1',
    '10.0.0.255:3000',
    '[::1]:8080',
    'a-.b',
    '-a',
  ],
  ...['EXAMPLE.com', 'xn--bcher-kva.example', 'a.xn--bcher-kva.example', '0x7f.1', '127.1', '1.2.3.04', 'a.0x1', 'a.'],
  ...[
    'example.com:80',
    'example.com:443',
    'example.com:0443',
    'example.com:',
    'example.com:65535',
    'a_b.example',
    'a%41',
  ],
];
const TARGETS = [
  ...[
    '/',
    '/a',
    '/a/',
    '/a.html',
    '/a/b.c/d~e!$&()*+,;=:@-_',
    '//a',
    '/a//b',
    '/.',
    '/..',
    '/a/./b',
    '/a/../b',
    '/a/..',
  ],
  ...[
    '/.a',
    '/a/.well-known/x',
    '/...',
    '/%2e%2e/a',
    '/a%2Fb',
    '/a%20b',
    "/a'b",
    '/a|b',
    '/a^b',
    '/a`b',
    '/a{b}',
    '/a\\b',
  ],
  ...[
    '/?',
    '/a?b',
    '/a?b=c&d=%2F/../e?f',
    "/a?b'c",
    '/a?b"c',
    '/a?b<c',
    '/a?..',
    '/a?b|c',
    '/a#b',
    '/a?b#c',
    '/;a',
    '/:a',
    '/@a',
  ],
];

test('the URL of a request is spelt as the standard spells it, whatever host and target are', (t) => {
  for (const proto of ['http', 'https']) {
    for (const host of HOSTS) {
      for (const target of TARGETS) {
        const exchange = {
          client: { proto },
          request: { host },
          target,
        } as unknown as Exchange; // nothing else is read
        const url = URL.parse(`${proto}://${host}${target}`)?.href;
        if (url !== undefined) t.is(toHref(exchange), url);
        else t.throws(() => toHref(exchange), { code: 'bad_request' });
      }
    }
  }
});
