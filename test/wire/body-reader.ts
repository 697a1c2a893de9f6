import test from 'ava';
import type { BodyReader } from '../../src/wire/body-reader.ts';
import { createBodyReader } from '../../src/wire/create-body-reader.ts';
import type { MessageFault, MessageReason } from '../../src/wire/message-fault.ts';
import { CHUNKED } from '../../src/wire/message-head.ts';
import { UNTIL_CLOSE } from '../../src/wire/response-head.ts';
import { toPassedTrailers } from '../../src/wire/trailers.ts';

function create(bodyBytes: number): BodyReader {
  return createBodyReader({ bodyBytes, side: 'request', maxTrailerBytes: 256, maxHeaders: 10 });
}

interface Read {
  readonly content: string;
  readonly rest: string;
  readonly isComplete: boolean;
  readonly trailers: readonly string[];
}

/** Reads the pieces one after the other. `rest`: the bytes after the end of the body. */
function read(bodyBytes: number, pieces: readonly string[], maxBytes = 0): Read {
  const reader = create(bodyBytes);
  reader.maxBytes = maxBytes;
  let [content, rest] = ['', ''];
  for (const piece of pieces) {
    const chunk = Buffer.from(piece, 'latin1');
    let at = 0;
    while (at < chunk.length && !reader.isComplete) {
      at = reader.advance(chunk, at);
      content += chunk.toString('latin1', reader.from, reader.to);
    }
    rest += chunk.toString('latin1', at);
  }
  return { content, rest, isComplete: reader.isComplete, trailers: reader.trailers };
}

const BODIES: readonly (readonly [
  title: string,
  bodyBytes: number,
  bytes: string,
  expected: Omit<Read, 'isComplete'>,
])[] = [
  ['a length', 5, 'helloGET /', { content: 'hello', rest: 'GET /', trailers: [] }],
  ['an empty chunked body', CHUNKED, '0\r\n\r\nGET /', { content: '', rest: 'GET /', trailers: [] }],
  [
    'chunks',
    CHUNKED,
    '5\r\nhello\r\nA\r\n0123456789\r\n000\r\n\r\nX',
    { content: 'hello0123456789', rest: 'X', trailers: [] },
  ],
  ['extensions', CHUNKED, '2;a;b=c;d="e\\";f\xe9"\r\nhi\r\n0;z\r\n\r\nX', { content: 'hi', rest: 'X', trailers: [] }],
  [
    'trailers',
    CHUNKED,
    '2\r\nhi\r\n0\r\nA: b\r\nC:d \r\n\r\nX',
    { content: 'hi', rest: 'X', trailers: ['A', 'b', 'C', 'd'] },
  ],
  ['CRLF as content', CHUNKED, '4\r\n\r\n\r\n\r\n0\r\n\r\n\r\n', { content: '\r\n\r\n', rest: '\r\n', trailers: [] }],
];

for (const [title, bodyBytes, bytes, expected] of BODIES) {
  test(`a body with ${title} is read correctly however its bytes are cut into two pieces`, (t) => {
    t.deepEqual(read(bodyBytes, [bytes]), { ...expected, isComplete: true });
    t.deepEqual(read(bodyBytes, [...bytes]), { ...expected, isComplete: true });
    for (let at = 1; at < bytes.length; at++) {
      t.deepEqual(
        read(bodyBytes, [bytes.slice(0, at), bytes.slice(at)]),
        { ...expected, isComplete: true },
        String(at),
      );
    }
  });
}

test('a body is not complete before its last byte', (t) => {
  for (const bytes of ['hell', '']) t.false(read(5, [bytes]).isComplete);
  const chunked = '2\r\nhi\r\n0\r\nA: b\r\n\r\n';
  for (let at = 0; at < chunked.length; at++) t.false(read(CHUNKED, [chunked.slice(0, at)]).isComplete);
});

test('content is a slice of the received chunk, not a copy', (t) => {
  const reader = create(CHUNKED);
  const chunk = Buffer.from('5\r\nhello\r\n');
  reader.advance(chunk, 0);
  t.deepEqual([reader.from, reader.to], [3, 8]);
});

test('only the end of the connection ends a body without length', (t) => {
  const reader = create(UNTIL_CLOSE);
  reader.advance(Buffer.from('x'.repeat(100)), 0);
  t.false(reader.isComplete);
  reader.endConnection();
  t.true(reader.isComplete);
  for (const bodyBytes of [5, CHUNKED]) {
    const framed = create(bodyBytes);
    framed.endConnection();
    t.false(framed.isComplete);
  }
});

const REFUSED: readonly (readonly [reason: MessageReason, status: number, ...bodies: readonly string[]])[] = [
  [
    'bad_chunk_size',
    400,
    '0x2\r\nhi',
    '\r\n',
    '-2\r\nhi',
    '2 \r\nhi',
    ' 2\r\nhi',
    '\n',
    'g\r\n',
    '2\n',
    ';a\r\n',
    '+1\r\na',
  ],
  ['bare_cr', 400, '2\rhi', '2\r\r\n', '0\r\n\rX', '0\r\nA: b\rX\r\n\r\n'],
  ['bare_lf', 400, '2;a\nhi', '0\r\nA: b\n\r\n', '0\r\n\n'],
  ['chunk_too_long', 400, 'FFFFFFFFFFFFFFFF\r\n', '20000000000000\r\n', `${'0'.repeat(17)}\r\n`],
  [
    'bad_chunk_extension',
    400,
    '2;\r\nhi',
    '2;;a\r\n',
    '2; a\r\n',
    '2;a =b\r\n',
    '2;a="b\r\n',
    '2;a="b"c\r\n',
    '2;a=\r\n',
  ],
  ['bad_chunk_extension', 400, '2;a=\0\r\nhi', '2;a\x7f\r\n'],
  ['extensions_too_long', 413, `2;${'a'.repeat(5000)}\r\n`, `1;${'a'.repeat(1000)}\r\nx\r\n`.repeat(5)],
  ['bad_chunk_end', 400, '2\r\nhi0\r\n\r\n', '2\r\nhi\n0\r\n\r\n', '2\r\nhi\rX', '2\r\nhii\r\n'],
  ['head_too_long', 431, `0\r\nA: ${'b'.repeat(300)}\r\n\r\n`, `0\r\nC: ${'b'.repeat(300)}`],
  ['too_many_headers', 431, `0\r\n${'A: b\r\n'.repeat(11)}\r\n`],
  [
    'framing_in_trailers',
    400,
    '0\r\nContent-Length: 3\r\n\r\n',
    '0\r\nTransfer-encoding: x\r\n\r\n',
    '0\r\nHost: a\r\n\r\n',
  ],
  ['folded_line', 400, '0\r\nA: b\r\n c\r\n\r\n'],
  ['space_before_colon', 400, '0\r\nA : b\r\n\r\n'],
  ['no_colon', 400, '0\r\nGET / HTTP\r\n\r\n', '0\r\nA: b\r\nC\r\n\r\n'],
];

for (const [reason, status, ...bodies] of REFUSED) {
  for (const body of bodies) {
    test(`${status} for ${reason}: ${JSON.stringify(body.slice(0, 60))}`, (t) => {
      for (const pieces of [[body], [...body]]) {
        t.like(
          t.throws<MessageFault>(() => read(CHUNKED, pieces)),
          { reason, status },
        );
      }
    });
  }
}

test('a body above its limit is refused before any byte above the limit is passed on', (t) => {
  for (const [bodyBytes, bytes] of [
    [UNTIL_CLOSE, 'helloX'],
    [CHUNKED, '5\r\nhello\r\n1\r\n'],
  ] as const) {
    t.notThrows(() => read(bodyBytes, [bytes.slice(0, -3)], 5));
    t.is(t.throws<MessageFault>(() => read(bodyBytes, [bytes], 5))?.reason, 'body_too_large');
    t.is(t.throws<MessageFault>(() => read(bodyBytes, [...bytes], 5))?.reason, 'body_too_large');
  }
});

test('only trailers that need not be in the head are passed on', (t) => {
  t.deepEqual(toPassedTrailers(['X-Sum', '1', 'Content-Type', 'x', 'SET-cookie', 'y']), ['X-Sum', '1']);
});
