import test from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import { RequestHead } from '../../src/wire/request-head.ts';

interface Checked {
  readonly fault?: string;
  readonly status?: number;
  readonly sent?: readonly string[];
  readonly target?: string;
  readonly headers?: readonly string[];
  readonly host?: string | undefined;
}

function check(requestLine: string, lines: readonly string[]): Checked {
  try {
    const { target, headers, host } = new RequestHead([requestLine, ...lines].join('\r\n'), RULES);
    return { target, headers, host };
  } catch (error) {
    const { code, status, headers } = error as Fault; // it throws only Faults
    return { fault: code, status, sent: headers };
  }
}

const RULES = { maxHeaders: 50, encrypted: false };

const HOSTS = [
  'a',
  'A.example',
  'a.example.',
  'a_b.example',
  'a:80',
  'a:',
  'a:65535',
  '127.0.0.1:8080',
  '[::1]',
  '[2001:db8::1]:80',
  '%c3%a9.example',
  "a!$&'()*+,;=~",
];

for (const host of HOSTS) {
  test(`Host: ${host} is accepted`, (t) => {
    t.is(check('GET / HTTP/1.1', [`Host: ${host}`]).fault, undefined);
  });
}

const NO_HOSTS = [
  '',
  'a b',
  'a/b',
  'a\\b',
  'a?b',
  'a#b',
  'user@a',
  'user:word@a',
  'http://a',
  ':80',
  'a:b',
  'a:80:80',
  'a:65536',
  'a:-1',
  'a:123456',
  '::1',
  '[::1',
  '::1]',
  '[]',
  '[a]',
  '[1.2.3.4]',
  '[::1]80',
  '[::1]:x',
  '[v1.a]',
  '[fe80::1%25eth0]',
  '%zz',
  '<a>',
  '"a"',
  'caf\xe9',
];

for (const host of NO_HOSTS) {
  test(`Host: ${JSON.stringify(host)} is refused`, (t) => {
    t.like(check('GET / HTTP/1.1', [`Host: ${host}`]), { fault: 'bad_request', status: 400 });
  });
}

type Case = readonly [what: string, requestLine: string, headers: readonly string[], fault: string, status: number];

const REFUSED: readonly Case[] = [
  ['HTTP/0.9', 'GET / HTTP/0.9', ['Host: a'], 'version_unsupported', 505],
  ['a line without a version', 'GET /', [], 'bad_request', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0', ['Host: a'], 'version_unsupported', 505],
  ['no Host', 'GET / HTTP/1.1', ['Accept: a'], 'bad_request', 400],
  ['two Hosts', 'GET / HTTP/1.1', ['Host: a', 'host: b'], 'bad_request', 400],
  ['the same Host twice', 'GET / HTTP/1.1', ['Host: a', 'Host: a'], 'bad_request', 400],
  ['two Hosts of HTTP/1.0', 'GET / HTTP/1.0', ['Host: a', 'Host: b'], 'bad_request', 400],
  ['two codings', 'POST / HTTP/1.1', ['Host: a', 'Transfer-Encoding: gzip, chunked'], 'coding_unknown', 501],
  [
    'two codings in two headers',
    'POST / HTTP/1.1',
    ['Host: a', 'Transfer-Encoding: gzip', 'transfer-encoding: chunked'],
    'coding_unknown',
    501,
  ],
  ['identity', 'POST / HTTP/1.1', ['Host: a', 'Transfer-Encoding: identity'], 'coding_unknown', 501],
  ['chunked with a parameter', 'POST / HTTP/1.1', ['Host: a', 'Transfer-Encoding: chunked;a=b'], 'coding_unknown', 501],
  ['a quoted coding', 'POST / HTTP/1.1', ['Host: a', 'Transfer-Encoding: "chunked"'], 'coding_unknown', 501],
  ['chunked HTTP/1.0', 'POST / HTTP/1.0', ['Host: a', 'Transfer-Encoding: chunked'], 'bad_request', 400],
  ['a target without a slash', 'GET a HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['HTTP/1.2', 'GET / HTTP/1.2', ['Host: a'], 'version_unsupported', 505],
  ['a standard method in another case', 'get / HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['TRACE in another case', 'Trace / HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1', ['Host: a:80'], 'method_refused', 405],
  ['TRACE', 'TRACE / HTTP/1.1', ['Host: a'], 'method_refused', 405],
  ['a fragment', 'GET /a#b HTTP/1.1', ['Host: a'], 'bad_path', 400],
  ['a fragment after a query', 'GET http://a/?b#c HTTP/1.1', ['Host: a'], 'bad_path', 400],
  ['a GET of *', 'GET * HTTP/1.1', ['Host: a'], 'bad_path', 400],
  ['an https: target', 'GET https://a/ HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['an ftp: target', 'GET ftp://a/ HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['a target with a user', 'GET http://user@a/ HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['a target with a bad port', 'GET http://a:99999/ HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['a target without a host', 'GET http:///b HTTP/1.1', ['Host: a'], 'bad_request', 400],
  ['an absolute-form target without a Host', 'GET http://a/ HTTP/1.1', ['Accept: a'], 'bad_request', 400],
];

for (const [what, requestLine, headers, fault, status] of REFUSED) {
  test(`${what} is refused as ${fault}`, (t) => {
    t.like(check(requestLine, headers), { fault, status });
  });
}

test('a refused method gets the list of allowed methods', (t) => {
  const { sent } = check('TRACE / HTTP/1.1', ['Host: a']);

  t.deepEqual(sent, ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
});

const ACCEPTED: readonly (readonly [what: string, requestLine: string, headers: readonly string[]])[] = [
  ['HTTP/1.0 without a Host', 'GET / HTTP/1.0', []],
  ['chunked in any case', 'POST / HTTP/1.1', ['Host: a', 'Transfer-Encoding: ChUnKeD']],
  ['an OPTIONS of *', 'OPTIONS * HTTP/1.1', ['Host: a']],
  ['a path like an authority', 'GET //a@b:c/ HTTP/1.1', ['Host: a']],
  ['a path with bytes that URLs do not allow', 'GET /\\..%2f%00{}|^`"<> HTTP/1.1', ['Host: a']],
];

for (const [what, requestLine, headers] of ACCEPTED) {
  test(`${what} is accepted, and its target is not changed`, (t) => {
    const { fault, target } = check(requestLine, headers);

    t.is(fault, undefined);
    t.is(target, requestLine.split(' ')[1]);
  });
}

const ABSOLUTE: readonly (readonly [requestLine: string, url: string, host: string])[] = [
  ['GET http://b/c?d HTTP/1.1', '/c?d', 'b'],
  ['GET HTTP://B:8080/ HTTP/1.1', '/', 'B:8080'],
  ['GET http://b HTTP/1.1', '/', 'b'],
  ['GET http://b?c/d HTTP/1.1', '/?c/d', 'b'],
  ['GET http://[::1]:80//c HTTP/1.1', '//c', '[::1]:80'],
  ['GET http://b/http://c/ HTTP/1.1', '/http://c/', 'b'],
  ['OPTIONS http://b HTTP/1.1', '*', 'b'],
  ['OPTIONS http://b/ HTTP/1.1', '/', 'b'],
];

for (const [requestLine, url, host] of ABSOLUTE) {
  test(`${requestLine} requests ${url} from ${host}, whatever Host says`, (t) => {
    const checked = check(requestLine, ['Accept: x', 'hOST: a', 'Accept: y']);

    t.is(checked.fault, undefined);
    t.is(checked.target, url);
    t.deepEqual(checked.headers, ['Accept', 'x', 'hOST', host, 'Accept', 'y']);
    t.is(checked.host, host);
  });
}

test('a whole target of HTTP/1.0 gives the Host that was missing', (t) => {
  const checked = check('GET http://b/ HTTP/1.0', ['Accept: x']);

  t.is(checked.fault, undefined);
  t.deepEqual(checked.headers, ['Accept', 'x', 'Host', 'b']);
  t.is(checked.host, 'b');
});

test('bytes beyond ASCII and control bytes in the target are refused', (t) => {
  const bytes = [...Array.from({ length: 0x21 }, (_, code) => code), 0x7f, 0x80, 0xe9, 0xff];

  for (const byte of bytes) {
    t.is(check(`GET /a${String.fromCharCode(byte)}b HTTP/1.1`, ['Host: a']).fault, 'bad_request', `byte ${byte}`);
  }
});
