import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { type Coding, isCoded, toDecodedCoding } from '../../src/http/coded-bytes.ts';

const TEXTS = [
  'hello',
  '{"a":1}',
  '[1,2,3]',
  '0',
  'x^2',
  'HKD 12.50 per unit, in numbers',
  'true',
  '<!doctype html><title>a</title>',
  '\ufeffabc',
  'data: 1\n\n',
  readFileSync('LICENSE', 'utf8'),
];

const CODERS: readonly (readonly [Coding, (bytes: Buffer) => Buffer, format: string])[] = [
  ['gzip', gzipSync, 'gzip'],
  ['x-gzip', gzipSync, 'gzip'],
  ['deflate', deflateSync, 'zlib'],
  ['deflate', deflateRawSync, 'bare deflate'],
  ['br', brotliCompressSync, 'brotli'],
  ['zstd', zstdCompressSync, 'zstd'],
];

for (const [coding, encode, format] of CODERS) {
  test(`bytes in the format ${format} are recognised as ${coding}, complete or cut at any byte`, (t) => {
    for (const bytes of [...TEXTS.map((text) => Buffer.from(text)), randomBytes(3000), Buffer.alloc(0)]) {
      const coded = encode(bytes);
      t.true(isCoded(coding, { bytes: coded, isWhole: true }));
      for (const length of [1, 2, 3, 10, 64, coded.length - 1]) {
        if (length < 1 || length >= coded.length) continue;
        t.true(isCoded(coding, { bytes: coded.subarray(0, length), isWhole: false }), `${length} of ${coded.length}`);
      }
    }
  });

  test(`no text is recognised as ${coding} in the format ${format}, complete or by its first 64 bytes`, (t) => {
    for (const text of TEXTS) t.false(isCoded(coding, { bytes: Buffer.from(text), isWhole: true }), text.slice(0, 40));
    // Some source files begin with bytes that may also begin a brotli stream.
    for (const letter of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#/*{["0123456789<;') {
      const bytes = Buffer.from(
        letter.concat(' a line of text that is long enough to be recognised, ä and ö').slice(0, 64),
      );
      t.false(isCoded(coding, { bytes, isWhole: false }), String(bytes));
    }
  });

  test(`an empty body is not recognised as ${coding} in the format ${format}`, (t) => {
    t.false(isCoded(coding, { bytes: Buffer.alloc(0), isWhole: true }));
  });
}

test('bytes in one coding are not recognised as another one', (t) => {
  const bytes = Buffer.from(TEXTS.join());
  for (const [coding, encode] of CODERS) {
    for (const [other] of CODERS) {
      if (other.replace('x-', '') === coding.replace('x-', '')) continue;
      t.false(isCoded(other, { bytes: encode(bytes), isWhole: true }), `${coding} as ${other}`);
    }
  }
});

test('isCoded accepts a list of codings only if fetch decodes all of them', (t) => {
  t.is(toDecodedCoding('GZip'), 'gzip');
  t.is(toDecodedCoding('gzip , BR'), 'br');
  for (const other of ['', 'identity', 'gzip,', 'foo, gzip', 'gzip, foo', 'gzip;q=1', 'compress']) {
    t.is(toDecodedCoding(other), undefined, other);
  }
});
