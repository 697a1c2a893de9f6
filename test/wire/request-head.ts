import test from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import type { MessageReason } from '../../src/wire/message-fault.ts';
import { CHUNKED } from '../../src/wire/message-head.ts';
import { RequestHead } from '../../src/wire/request-head.ts';
import { SOON_MS } from '../helpers/patience.ts';

const RULES = { encrypted: false, maxHeaders: 200 };

/** Creates a head from its lines. */
function read(...lines: readonly string[]): RequestHead {
  return new RequestHead(lines.join('\r\n'), RULES);
}

test('the reader of a request head returns method, target, version and the headers as received', (t) => {
  const head = read('GET /a?b=%20 HTTP/1.1', 'Host: a.example:8080', 'x-One:  1 \t', 'X-oNe:', 'Q: \xe9;"a:b"');

  t.is(head.method, 'GET');
  t.is(head.target, '/a?b=%20');
  t.is(head.minor, 1);
  t.deepEqual(head.headers, ['Host', 'a.example:8080', 'x-One', '1', 'X-oNe', '', 'Q', '\xe9;"a:b"']);
  t.is(head.get('x-one'), '1, ');
  t.is(head.get('x'), undefined);
});

test('every token is accepted as a method, but a standard method in another case', (t) => {
  for (const method of ['PURGE', 'purge', "!#$%&'*+-.^_`|~09aZ", 'M-SEARCH']) {
    t.is(read(`${method} / HTTP/1.1`, 'Host: a').method, method);
  }
});

test('framing headers set the length of the body, for every method', (t) => {
  t.is(read('GET / HTTP/1.1', 'Host: a').bodyBytes, 0);
  t.is(read('GET / HTTP/1.1', 'Host: a', 'content-LENGTH: 12').bodyBytes, 12);
  t.is(read('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: Chunked').bodyBytes, CHUNKED);
  t.is(read('POST / HTTP/1.0', 'Content-Length: 9007199254740991').bodyBytes, Number.MAX_SAFE_INTEGER);
});

test('a connection stays open unless a header says otherwise, by the rules of its version', (t) => {
  t.true(read('GET / HTTP/1.1', 'Host: a').keepsAlive);
  t.false(read('GET / HTTP/1.1', 'Host: a', 'Connection: x', 'connection: CLOSE').keepsAlive);
  t.false(read('GET / HTTP/1.0', 'Host: a').keepsAlive);
  t.true(read('GET / HTTP/1.0', 'Host: a', 'Connection: Keep-Alive').keepsAlive);
  t.false(read('GET / HTTP/1.0', 'Host: a', 'Connection: keep-alive, close').keepsAlive);
});

test('an upgrade is asked for by both headers, in HTTP/1.1', (t) => {
  t.is(read('GET / HTTP/1.1', 'Host: a', 'Connection: x, Upgrade', 'Upgrade: websocket').upgrade, 'websocket');
  t.is(read('GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket').upgrade, undefined);
  t.is(read('GET / HTTP/1.0', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket').upgrade, undefined);
});

test('100-continue is awaited only where there is a body, and not in HTTP/1.0', (t) => {
  const post = ['Host: a', 'Expect: 100-Continue', 'Content-Length: 1'];
  t.true(read('POST / HTTP/1.1', ...post).expectsContinue);
  t.false(read('POST / HTTP/1.0', ...post).expectsContinue);
  t.false(read('GET / HTTP/1.1', 'Host: a', 'Expect: 100-continue').expectsContinue);
  t.false(read('GET / HTTP/1.0', 'Host: a', 'Expect: miracles').expectsContinue);
});

test('an absolute target becomes origin-form, and its authority replaces Host', (t) => {
  const head = read('GET http://b.example:81/x?y HTTP/1.1', 'A: 1', 'host: a');
  t.is(head.target, '/x?y');
  t.deepEqual(head.headers, ['A', '1', 'host', 'b.example:81']);
  t.is(head.host, 'b.example:81');
  t.is(read('GET http://b HTTP/1.1', 'Host: a').target, '/');
  t.is(read('GET HTTP://b?q HTTP/1.1', 'Host: a').target, '/?q');
  t.is(read('OPTIONS http://b HTTP/1.1', 'Host: a').target, '*');
  t.is(read('OPTIONS * HTTP/1.1', 'Host: a').target, '*');
  t.deepEqual(read('GET http://b/ HTTP/1.0').headers, ['Host', 'b']);
  t.is(new RequestHead('GET https://b/x HTTP/1.1\r\nHost: b', { ...RULES, encrypted: true }).target, '/x');
});

test('a header is found by its name in any case, whether its name is a usual one or not', (t) => {
  const head = read(
    ...['GET / HTTP/1.1', 'host: a', 'X-Odd-Name: 1', 'X-Odd: 2', 'x-ODD:  3 ', 'X^: 4', 'ACCEPT: x', 'accept: y'],
    ...['Content_Type: 5', 'x-forwarded-FOR: 6', 'TE: 7'],
  );
  t.is(head.get('x-odd'), '2, 3');
  t.is(head.get('x-odd-name'), '1');
  t.is(head.get('accept'), 'x, y');
  t.is(head.get('x-forwarded-for'), '6');
  t.is(head.get('content_type'), '5');
  t.is(head.get('te'), '7');
  for (const name of ['x-od', 'x-odd-', 'x~', 'content-type', 'x-forwarded-fo', '']) t.is(head.get(name), undefined);
  t.deepEqual(head.unknownNames, ['X-Odd-Name', 'X-Odd', 'x-ODD', 'X^', 'Content_Type']);
});

test('Host may be empty, a name or an address, with or without a port', (t) => {
  for (const host of ['a', 'A.b', 'a:80', 'a:8080', 'a:65535', 'a:', '[::1]', '[::1]:80', '1.2.3.4', 'a_b', '%41']) {
    t.is(read('GET / HTTP/1.1', `Host: ${host}`).host, host);
  }
});

const REFUSED: readonly (readonly [reason: MessageReason, status: number, ...heads: readonly string[]])[] = [
  ['empty_line', 400, '', '\r\nGET / HTTP/1.1\r\nHost: a'],
  ['bad_method', 400, ' / HTTP/1.1', 'G(T / HTTP/1.1', 'G\xe9T / HTTP/1.1', 'GET/ HTTP/1.1: x', '\tGET / HTTP/1.1'],
  ['bad_request_line', 400, 'GET  / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET /', 'GET /a b HTTP/1.1'],
  ['bad_version', 400, 'GET / http/1.1', 'GET / HTTP/1.10', 'GET / HTTP/11', 'GET / RTSP/1.0', 'GET / ICE/1.0'],
  ['unsupported_version', 505, 'GET / HTTP/0.9', 'GET / HTTP/2.0', 'GET / HTTP/1.2', 'GET / HTTP/3.0'],
  ['bad_target', 400, 'GET /\x7f HTTP/1.1', 'GET /\xe9 HTTP/1.1', 'GET /\0 HTTP/1.1', 'GET /a\tb HTTP/1.1'],
  [
    'bad_target',
    400,
    'GET a/b HTTP/1.1\r\nHost: a',
    'GET http:///x HTTP/1.1\r\nHost: a',
    'GET a:80 HTTP/1.1\r\nHost: a',
  ],
  ['bad_target', 400, 'GET ftp://a/x HTTP/1.1\r\nHost: a', 'GET https://a/x HTTP/1.1\r\nHost: a'],
  ['bad_target', 400, 'GET http://u@a/x HTTP/1.1\r\nHost: a'],
  ['fragment_in_target', 400, 'GET /a#b HTTP/1.1'],
  ['asterisk_target', 400, 'GET * HTTP/1.1\r\nHost: a'],
  ['refused_method', 405, 'CONNECT b:443 HTTP/1.1\r\nHost: b:443', 'TRACE / HTTP/1.1\r\nHost: a'],
  ['bare_lf', 400, 'GET / HTTP/1.1\nHost: a', 'GET / HTTP/1.1\r\nHost: a\nX: y'],
  ['bare_cr', 400, 'GET / HTTP/1.1\rHost: a', 'GET / HTTP/1.1\r\nHost: a\rb', 'GET / HTTP/1.1\r\nHost: a\r'],
  ['control_byte', 400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b', 'GET / HTTP/1.1\r\nHost: a\r\nX: \x7f'],
  ['control_byte', 400, 'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked'],
  [
    'folded_line',
    400,
    'GET / HTTP/1.1\r\nHost: a\r\n b',
    'GET / HTTP/1.1\r\n Host: a',
    'GET / HTTP/1.1\r\nA: b\r\n\tc',
  ],
  ['space_before_colon', 400, 'GET / HTTP/1.1\r\nHost : a', 'GET / HTTP/1.1\r\nHost\t: a'],
  ['no_colon', 400, 'GET / HTTP/1.1\r\nHost'],
  ['empty_name', 400, 'GET / HTTP/1.1\r\nHost: a\r\n: x'],
  ['bad_name', 400, 'GET / HTTP/1.1\r\nX Y: a', 'GET / HTTP/1.1\r\nX\xe9: a', 'GET / HTTP/1.1\r\n(x): a'],
  ['no_host', 400, 'GET / HTTP/1.1', 'GET http://a/ HTTP/1.1\r\nX: y'],
  ['two_hosts', 400, 'GET / HTTP/1.1\r\nHost: a\r\nhost: a', 'GET / HTTP/1.0\r\nHost: a\r\nhost: a'],
  ['bad_host', 400, 'GET / HTTP/1.1\r\nHost:', 'GET / HTTP/1.1\r\nHost: a/b@c', 'GET / HTTP/1.1\r\nHost: a, b'],
  ['bad_host', 400, 'GET / HTTP/1.1\r\nHost: a:65536', 'GET / HTTP/1.1\r\nHost: [::1', 'GET / HTTP/1.1\r\nHost: a:b'],
  ['bad_length', 400, ...lengths('', '+2', '-2', '0x2', '2, 2', '2 2', '1e3', '9007199254740992', '9'.repeat(30))],
  ['two_lengths', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-length: 2'],
  ['length_and_coding', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked'],
  ['coding_in_1_0', 400, 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked'],
  ['chunked_not_last', 400, ...codings('chunked, gzip', 'chunked\r\nTransfer-Encoding: chunked', 'chunked\t')],
  ['unknown_coding', 501, ...codings('gzip, chunked', 'xchunked', '"chunked"', '', 'identity', 'chunked;x')],
  ['underscore_framing', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 2'],
  ['underscore_framing', 400, 'POST / HTTP/1.1\r\nHost: a\r\ntransfer_encoding: chunked'],
  ['unknown_expectation', 417, 'POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles'],
  ['too_many_headers', 431, `GET / HTTP/1.1\r\nHost: a${'\r\nX: y'.repeat(200)}`],
];

function lengths(...values: readonly string[]): string[] {
  return values.map((value) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${value}`);
}

function codings(...values: readonly string[]): string[] {
  return values.map((value) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${value}`);
}

for (const [reason, status, ...heads] of REFUSED) {
  for (const head of heads) {
    test(`${status} for ${reason}: ${JSON.stringify(head.slice(0, 80))}`, (t) => {
      const fault = t.throws<Fault>(() => new RequestHead(head, RULES));
      t.like(fault, { reason, status });
    });
  }
}

test('a 405 lists the allowed methods', (t) => {
  const fault = t.throws<Fault>(() => read('TRACE / HTTP/1.1', 'Host: a'));
  t.is(fault?.headers[0], 'Allow');
});

test('the work for a long head that is refused at its end grows only with its length', (t) => {
  const before = performance.now();
  for (const part of [
    'X: y\r\n'.repeat(50_000),
    `X: ${'a:'.repeat(100_000)}`,
    'a'.repeat(300_000),
    '\t'.repeat(300_000),
  ]) {
    t.throws(() => new RequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${part}\x01`, RULES));
  }
  t.true(performance.now() - before < SOON_MS);
});
