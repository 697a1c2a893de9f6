import test from 'ava';
import { isMisleading, toMisleadingPart } from '../../src/cache/misleading-headers.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import { RequestHead } from '../../src/wire/request-head.ts';

const NAMES = [
  ...['X-Host', 'X-Original-Host', 'X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X-HTTP-DestinationURL'],
  ...['X-HTTP-Host-Override', 'X-Proxy-Host', 'X-Proxy-URL', 'X-Backend-Host', 'X-Script-Name', 'X-Scheme'],
  ...['X-URL-Scheme', 'X-Forwarded', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Path', 'X-Forwarded-URI'],
  ...['X-Forwarded-Scheme', 'X-Forwarded-Prefix', 'X-Forwarded-SSL', 'X-Forwarded-Server', 'Front-End-Https'],
  ...['Base-URL', 'Proxy-Host', 'Proxy-URL', 'Request-URI', 'X-HTTP-Method-Override', 'X-HTTP-Method'],
  ...['X-Method-Override', 'X-Method', 'X-Matched-Path', 'X-Now-Route-Matches', 'X-Vercel-Matched-Path'],
  ...['X-Astro-Path', 'X-Astro-Locals', 'X-Nuxt-No-SSR', 'X-Nuxt-Error', 'X-React-Router-SPA-Mode'],
  ...['X-React-Router-Prerender-Data', 'X-Remix-SPA-Mode', 'X-Invoke-Path', 'X-Middleware-Rewrite'],
];

/** An exchange, as far as these functions read it. */
function toExchange(lines: readonly string[], trusted: boolean): Exchange {
  const text = ['GET / HTTP/1.1', 'Host: a', 'X-Forwarded-For: 192.0.2.1', 'Sec-Fetch-Mode: cors', ...lines].join(
    '\r\n',
  );
  const request = new RequestHead(text, { maxHeaders: 10, encrypted: false });
  return { client: { trusted }, request } as unknown as Exchange;
}

for (const name of NAMES) {
  test(`${name} is found in a request, in any case`, (t) => {
    for (const sent of [name, name.toUpperCase()]) {
      t.true(isMisleading(toExchange([`${sent}: x`], false)));
      t.is(toMisleadingPart(toExchange([`${sent}: x`], true)), `\n~${name.toLowerCase()}=x`);
    }
  });
}

test('the usual headers of a request are not misleading, and their list is not made for that', (t) => {
  const exchange = toExchange(['X-Forwarded-Proto: https', 'Referer: http://a/', 'Range: bytes=0-'], false);
  Object.defineProperty(exchange.request, 'headers', { get: () => t.fail('the list was made') });
  t.false(isMisleading(exchange));
  t.is(toMisleadingPart(exchange), '');
});

test('host and scheme in Forwarded of a trusted proxy are part of the key, and the address of the client is not', (t) => {
  const part = (value: string): string => toMisleadingPart(toExchange([`Forwarded: ${value}`], true));

  t.is(part('for=192.0.2.1'), '');
  t.is(part('for=192.0.2.1;host=a;proto=http'), part('for="[2001:db8::1]";host=a;proto=http'));
  for (const value of ['host=b', 'for=192.0.2.1; Host = b', 'for="x;host=b"', 'for=x, for=y;proto=https'])
    t.not(part(value), '', value);
  t.not(part('for=192.0.2.1;host="a,b"'), part('for=192.0.2.1;host="a,c"'));
});
