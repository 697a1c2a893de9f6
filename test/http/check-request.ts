import test, { type ExecutionContext } from 'ava';
import { checkRequest } from '../../src/http/check-request.ts';
import { receive } from '../helpers/received-request.ts';

interface Checked {
  readonly fault: string | undefined;
  readonly status: number | undefined;
  readonly sent: readonly string[] | undefined;
  readonly url: string | undefined;
  readonly raw: readonly string[];
  readonly host: readonly (string | undefined)[];
}

async function check(t: ExecutionContext, requestLine: string, headers: readonly string[]): Promise<Checked> {
  return receive(t, [requestLine, ...headers, '', ''].join('\r\n'), (request) => {
    const fault = checkRequest(request);
    const { url, rawHeaders: raw, headers, headersDistinct } = request;
    const host = [headers.host, ...(headersDistinct.host ?? [])];
    return { fault: fault?.code, status: fault?.status, sent: fault?.headers, url, raw: [...raw], host };
  });
}

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
  test(`Host: ${host} is accepted`, async (t) => {
    t.is((await check(t, 'GET / HTTP/1.1', [`Host: ${host}`])).fault, undefined);
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
  test(`Host: ${JSON.stringify(host)} is refused`, async (t) => {
    t.like(await check(t, 'GET / HTTP/1.1', [`Host: ${host}`]), { fault: 'bad_request', status: 400 });
  });
}

type Case = readonly [what: string, requestLine: string, headers: readonly string[], fault: string, status: number];

const REFUSED: readonly Case[] = [
  ['HTTP/0.9', 'GET / HTTP/0.9', ['Host: a'], 'version_unsupported', 505],
  ['a line without a version', 'GET /', [], 'version_unsupported', 505],
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
  test(`${what} is refused as ${fault}`, async (t) => {
    t.like(await check(t, requestLine, headers), { fault, status });
  });
}

test('a refused method gets the list of allowed ones', async (t) => {
  const { sent } = await check(t, 'TRACE / HTTP/1.1', ['Host: a']);

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
  test(`${what} is accepted, and its target stays unchanged`, async (t) => {
    const { fault, url } = await check(t, requestLine, headers);

    t.is(fault, undefined);
    t.is(url, requestLine.split(' ')[1]);
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
  test(`${requestLine} has the host ${host} and the target ${url}, independent of its Host header`, async (t) => {
    const checked = await check(t, requestLine, ['Accept: x', 'hOST: a', 'Accept: y']);

    t.is(checked.fault, undefined);
    t.is(checked.url, url);
    t.deepEqual(checked.raw, ['Accept', 'x', 'hOST', host, 'Accept', 'y']);
    t.deepEqual(checked.host, [host, host]);
  });
}

test('an absolute-form target of HTTP/1.0 adds the missing Host', async (t) => {
  const checked = await check(t, 'GET http://b/ HTTP/1.0', ['Accept: x']);

  t.is(checked.fault, undefined);
  t.deepEqual(checked.raw, ['Accept', 'x', 'Host', 'b']);
  t.deepEqual(checked.host, ['b', 'b']);
});

const REFUSED_BY_NODE: readonly (readonly [what: string, text: string])[] = [
  ['Content-Length after chunked', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5'],
  ['chunked after Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked'],
  ['two Content-Lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5'],
  ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked'],
  ['a coding after chunked', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip'],
  ['an empty coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a'],
  ['a target without a slash', 'GET a HTTP/1.1\r\nHost: a'],
  ['a target with bytes outside of ASCII', 'GET /caf\xe9 HTTP/1.1\r\nHost: a'],
];

for (const [what, text] of REFUSED_BY_NODE) {
  test(`Node's parser refuses ${what}`, async (t) => {
    await t.throwsAsync(
      receive(t, `${text}\r\n\r\n`, () => {}),
      { message: /^Parse Error/ },
    );
  });
}

test('the parser of Node refuses control bytes in the target', async (t) => {
  const controls = [...Array.from({ length: 0x20 }, (_, code) => code), 0x7f];

  for (const code of controls) {
    const text = `GET /a${String.fromCharCode(code)}b HTTP/1.1\r\nHost: a\r\n\r\n`;
    await t.throwsAsync(
      receive(t, text, () => {}),
      { message: /^Parse Error/ },
      `byte ${code}`,
    );
  }
});
