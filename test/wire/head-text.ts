import test from 'ava';
import { nominatedBy, toEndToEnd } from '../../src/wire/connection-headers.ts';
import { toInterimHead, toRequestHead, toResponseHead, toTrailerLines } from '../../src/wire/head-text.ts';
import { HttpDate } from '../../src/wire/http-date.ts';
import { CHUNKED } from '../../src/wire/message-head.ts';

const OF_CONNECTION = [
  ...['Connection', 'x', 'keep-alive', 'timeout=5', 'TRANSFER-ENCODING', 'chunked', 'te', 'trailers', 'Upgrade', 'h2c'],
  ...['Proxy-Connection', 'a', 'Proxy-Authenticate', 'a', 'Proxy-Authorization', 'a', 'proxy-authentication-info', 'a'],
  ...['HTTP2-Settings', 'a', 'Expect', '100-continue'],
];

test('a response head keeps order, case and repeated headers, without headers of another connection', (t) => {
  const { text, contentLength } = toResponseHead(299, 'So \xe9', [
    ...['Set-Cookie', 'a', 'content-length', '5', ...OF_CONNECTION, 'set-cookie', 'b', 'X-Empty', ''],
  ]);
  t.is(text, 'HTTP/1.1 299 So \xe9\r\nSet-Cookie: a\r\nset-cookie: b\r\nX-Empty: \r\n');
  t.is(contentLength, 5);
});

test('a response head says what its writer must add or do', (t) => {
  t.like(toResponseHead(200, 'OK', []), { contentLength: -1, trailerLine: '', hasDate: false, closes: false });
  t.like(toResponseHead(200, 'OK', ['date', 'x', 'Connection', 'a, Close', 'Trailer', 'X-Sum']), {
    trailerLine: 'Trailer: X-Sum\r\n',
    hasDate: true,
    closes: true,
  });
});

test('a reason phrase that cannot be sent is replaced by the usual one', (t) => {
  t.true(toResponseHead(404, 'a\r\nB: c', []).text.startsWith('HTTP/1.1 404 Not Found\r\n'));
  t.true(toResponseHead(404, '\u{1F600}', []).text.startsWith('HTTP/1.1 404 Not Found\r\n'));
  t.true(toResponseHead(404, '', []).text.startsWith('HTTP/1.1 404 \r\n'));
});

for (const [title, name, value] of [
  ['a line break in a value', 'X', 'a\r\nEvil: b'],
  ['a line break in a name', 'X: a\r\nEvil', 'b'],
  ['a character that latin1 would cut to a line break', 'X', 'a\u010d\u010aEvil: b'],
  ['a NUL', 'X', '\0'],
  ['a DEL', 'X', '\x7f'],
  ['an empty name', '', 'a'],
  ['a name with a space', 'X ', 'a'],
] as const) {
  test(`a head with ${title} is refused`, (t) => {
    t.throws(() => toResponseHead(200, 'OK', [name, value]), { instanceOf: TypeError });
    t.throws(() => toInterimHead(103, [name, value]), { instanceOf: TypeError });
    t.throws(() => toRequestHead({ method: 'GET', target: '/', headers: [name, value], bodyBytes: 0 }), {
      instanceOf: TypeError,
    });
    t.throws(() => toTrailerLines([name, value]), { instanceOf: TypeError });
  });
}

test('a head with two different lengths, or with an invalid length, is refused', (t) => {
  t.notThrows(() => toResponseHead(200, 'OK', ['Content-Length', '5', 'content-length', '5']));
  t.throws(() => toResponseHead(200, 'OK', ['Content-Length', '5', 'content-length', '6']));
  t.throws(() => toResponseHead(200, 'OK', ['Content-Length', '-5']));
});

test('an interim head has no framing headers and no headers of a connection', (t) => {
  const text = toInterimHead(103, ['Link', '</a>', 'Content-Length', '5', 'Trailer', 'x', ...OF_CONNECTION]);
  t.is(text, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
});

test('a request head has new framing headers for its body', (t) => {
  const headers = ['host', 'a', 'Content-Length', '7', ...OF_CONNECTION, 'X', '\xe9'];
  const head = (method: string, bodyBytes: number) => toRequestHead({ method, target: '/a?b', headers, bodyBytes });
  t.is(head('GET', 0), 'GET /a?b HTTP/1.1\r\nhost: a\r\nX: \xe9\r\nConnection: keep-alive\r\n\r\n');
  t.is(
    head('GET', 7),
    'GET /a?b HTTP/1.1\r\nhost: a\r\nContent-Length: 7\r\nX: \xe9\r\nConnection: keep-alive\r\n\r\n',
  );
  t.true(head('GET', 8).includes('\r\nContent-Length: 8\r\n'));
  t.true(head('POST', 0).includes('\r\nContent-Length: 0\r\n'));
  t.true(head('POST', CHUNKED).includes('\r\nTransfer-Encoding: chunked\r\n'));
});

test('a request head for an upgrade has both Upgrade and Connection', (t) => {
  const head = toRequestHead({
    method: 'GET',
    target: '/',
    headers: ['Host', 'a'],
    bodyBytes: 0,
    upgrade: 'websocket',
  });
  t.is(head, 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
});

test('a method or target that would break the request line is refused', (t) => {
  for (const [method, target] of [
    ['GET /x HTTP/1.1\r\nA:', '/'],
    ['', '/'],
    ['GET', '/ HTTP/1.1\r\nA: b'],
    ['GET', ''],
    ['GET', '/\u010d\u010a'],
  ] as const) {
    t.throws(() => toRequestHead({ method, target, headers: [], bodyBytes: 0 }), { instanceOf: TypeError });
  }
});

test('headers that Connection nominates are removed, except those that the edge itself sets', (t) => {
  const plain = ['Host', 'a', 'X', 'y'];
  t.is(toEndToEnd(plain, 'keep-alive'), plain);
  t.deepEqual(toEndToEnd(['Host', 'a', ...OF_CONNECTION, 'trailer', 'x', 'X', 'y'], 'X, host'), ['Host', 'a']);
  t.is(nominatedBy('close, Keep-Alive, TE, upgrade'), undefined);
  t.is(nominatedBy('X-Forwarded-For, true-client-ip, section-io-id, Cookie, via'), undefined);
  t.is(nominatedBy('Host, Authorization, eo-log-uuid, x-nf-geo, Client-IP, X-Forwarded-Proto'), undefined);
  t.is(nominatedBy(', ,'), undefined);
  t.deepEqual([...(nominatedBy('close, X-A ,x-b') ?? [])], ['x-a', 'x-b']);
});

test('a date is the current second', (t) => {
  const { text } = new HttpDate();
  t.regex(text, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  t.true(Math.abs(Date.now() - Date.parse(text)) < 10_000);
});
