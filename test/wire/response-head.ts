import test from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import type { MessageReason } from '../../src/wire/message-fault.ts';
import { CHUNKED, ResponseHead, UNTIL_CLOSE } from '../../src/wire/response-head.ts';

const RULES = { method: 'GET', maxHeaders: 200 };

function read(...lines: readonly string[]): ResponseHead {
  return new ResponseHead(lines.join('\r\n'), RULES);
}

test('the reader of a response head returns status, reason, version and the headers as received', (t) => {
  const head = read('HTTP/1.1 299 So \xe9', 'Server: x', 'set-cookie: a', 'Set-Cookie: b');

  t.is(head.status, 299);
  t.is(head.reason, 'So \xe9');
  t.is(head.minor, 1);
  t.deepEqual(head.headers, ['Server', 'x', 'set-cookie', 'a', 'Set-Cookie', 'b']);
});

test('a reason may be empty, with and without the space before it', (t) => {
  t.is(read('HTTP/1.1 200 ', 'A: b').reason, '');
  t.is(read('HTTP/1.1 200', 'A: b').reason, '');
  t.is(read('HTTP/1.0 200').reason, '');
});

test('a response ends by its headers, or with the connection', (t) => {
  t.is(read('HTTP/1.1 200 OK', 'Content-Length: 5').bodyBytes, 5);
  t.is(read('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').bodyBytes, CHUNKED);
  t.is(read('HTTP/1.1 200 OK').bodyBytes, UNTIL_CLOSE);
  t.is(read('HTTP/1.1 205 Reset', 'Content-Length: 5').bodyBytes, 5);
});

test('a HEAD, 1xx, 204 and 304 have no body, whatever their headers say', (t) => {
  const head = new ResponseHead('HTTP/1.1 200 OK\r\nContent-Length: 5', { ...RULES, method: 'HEAD' });
  t.is(head.bodyBytes, 0);
  t.is(head.announcedLength, 5);
  for (const status of [100, 103, 204, 304]) {
    t.is(read(`HTTP/1.1 ${status} X`, 'Content-Length: 5').bodyBytes, 0);
    t.is(read(`HTTP/1.1 ${status} X`, 'Transfer-Encoding: chunked').bodyBytes, 0);
  }
});

test('Keep-Alive sets how long the other side keeps the connection', (t) => {
  t.is(read('HTTP/1.1 200 OK', 'Keep-Alive: max=5, timeout=15').keepAliveSeconds, 15);
  t.is(read('HTTP/1.1 200 OK', 'Keep-Alive: Timeout = "5"').keepAliveSeconds, 5);
  t.is(read('HTTP/1.1 200 OK', 'Keep-Alive: mytimeout=5').keepAliveSeconds, undefined);
  t.is(read('HTTP/1.1 200 OK').keepAliveSeconds, undefined);
  t.true(read('HTTP/1.0 200 OK', 'Connection: keep-alive').keepsAlive);
  t.false(read('HTTP/1.0 200 OK').keepsAlive);
});

const REFUSED: readonly (readonly [reason: MessageReason, ...heads: readonly string[]])[] = [
  ['unsupported_version', 'HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1.2 200 OK'],
  ['bad_status_line', 'RTSP/1.0 200 OK', 'http/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK'],
  [
    'bad_status_line',
    '',
    '\r\nHTTP/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1',
    'HTTP/1.1\t200 OK',
  ],
  ['bad_status', 'HTTP/1.1 000 OK', 'HTTP/1.1 099 OK'],
  ['bare_lf', 'HTTP/1.1 200 OK\nA: b', 'HTTP/1.1 200 OK\r\nA: b\nC: d'],
  ['bare_cr', 'HTTP/1.1 200 O\rK', 'HTTP/1.1 200 OK\r\nA: b\rC: d'],
  ['control_byte', 'HTTP/1.1 200 O\0K', 'HTTP/1.1 200 OK\r\nA: \x01'],
  ['folded_line', 'HTTP/1.1 200 OK\r\nA: b\r\n c'],
  ['space_before_colon', 'HTTP/1.1 200 OK\r\nA : b'],
  ['two_lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2'],
  ['bad_length', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2', 'HTTP/1.1 204 X\r\nContent-Length: x'],
  ['length_and_coding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked'],
  ['coding_in_1_0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked'],
  ['unknown_coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked'],
  ['chunked_not_last', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t'],
  ['too_many_headers', `HTTP/1.1 200 OK${'\r\nX: y'.repeat(201)}`],
];

for (const [reason, ...heads] of REFUSED) {
  for (const head of heads) {
    test(`502 for ${reason}: ${JSON.stringify(head.slice(0, 80))}`, (t) => {
      const fault = t.throws<Fault>(() => new ResponseHead(head, RULES));
      t.like(fault, { reason, status: 502, origin: 'hop' });
    });
  }
}
