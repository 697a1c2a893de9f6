import test from 'ava';
import { HeadCutter, type HeadCutterOptions } from '../../src/wire/head-cutter.ts';
import type { MessageFault } from '../../src/wire/message-fault.ts';
import { checkRequestLine } from '../../src/wire/request-head.ts';

const OPTIONS: HeadCutterOptions = {
  side: 'request',
  maxBytes: 64,
  skipsEmptyLine: true,
  checkFirstLine: checkRequestLine,
};

/** Pushes the pieces. Returns the head and the rest of the last piece, or undefined if the head is not complete. */
function cut(...pieces: readonly string[]): { readonly head: string; readonly rest: string } | undefined {
  const cutter = new HeadCutter(OPTIONS);
  for (const piece of pieces) {
    const chunk = Buffer.from(piece, 'latin1');
    const end = cutter.push(chunk, 0);
    if (end >= 0) return { head: cutter.text, rest: chunk.toString('latin1', end) };
  }
  return undefined;
}

const HEAD = 'GET / HTTP/1.1\r\nHost: \xe9';

test('a head in one piece is separated from the bytes that follow it', (t) => {
  t.deepEqual(cut(`${HEAD}\r\n\r\nGET /2`), { head: HEAD, rest: 'GET /2' });
});

test('a head in two pieces is the same for every position of the cut', (t) => {
  const whole = `\r\n${HEAD}\r\n\r\n`;
  for (let at = 0; at < whole.length; at++) {
    t.deepEqual(cut(whole.slice(0, at), `${whole.slice(at)}rest`), { head: HEAD, rest: 'rest' }, String(at));
  }
});

test('a head that arrives byte by byte is the same', (t) => {
  t.deepEqual(cut(...`\r\n${HEAD}\r\n\r\n`), { head: HEAD, rest: '' });
});

test('one empty line before a request is skipped, and a second one is not', (t) => {
  t.deepEqual(cut(`\r\n${HEAD}\r\n\r\n`), { head: HEAD, rest: '' });
  t.deepEqual(cut(`\r\n\r\n${HEAD}\r\n\r\n`)?.head, `\r\n${HEAD}`);
});

test('a head with the largest allowed size is accepted, and one byte more is refused, in one piece and in many', (t) => {
  const exact = HEAD.padEnd(64, 'x');
  t.is(cut(`${exact}\r\n\r\n`)?.head, exact);
  t.is(cut(...`${exact}\r\n\r\n`)?.head, exact);
  for (const pieces of [[`${exact}x\r\n\r\n`], [...`${exact}x\r\n\r\n`], [`${exact}${'x'.repeat(100)}`]]) {
    const fault = t.throws<MessageFault>(() => cut(...pieces));
    t.is(fault?.reason, 'head_too_long');
  }
});

for (const [reason, ...starts] of [
  ['bare_lf', 'GET / HTTP/1.1\n\n', '\nGET', 'GET / HTTP/1.1\r\nA: b\n'],
  ['bare_cr', 'GET / HTTP/1.1\rA', '\rG', 'GET / HTTP/1.1\r\r', 'GET / HTTP/1.1\r\nA: b\r\r'],
  ['control_byte', '\x16\x03\x01\x02', 'GET /late HTTP/1.1\r\n\0\0\0\0', '\0\0\0\0', 'G\x7f'],
  ['bad_request_line', 'GET /\r\n', 'HELLO\r\nHost: a\r\n'],
  ['unsupported_version', 'GET / HTTP/0.9\r\n'],
] as const) {
  for (const start of starts) {
    test(`${reason} is refused before the head is complete: ${JSON.stringify(start)}`, (t) => {
      t.is(t.throws<MessageFault>(() => cut(start))?.reason, reason);
      t.is(t.throws<MessageFault>(() => cut(...start))?.reason, reason);
    });
  }
}

test('a cutter starts again after each head', (t) => {
  const cutter = new HeadCutter(OPTIONS);
  const chunk = Buffer.from(`${HEAD}\r\n\r\n\r\nPUT /2 HTTP/1.1\r\n\r\n`, 'latin1');

  const end = cutter.push(chunk, 0);
  t.is(cutter.push(chunk, end), chunk.length);
  t.is(cutter.text, 'PUT /2 HTTP/1.1');
  t.false(cutter.isPartial);
});
