import test from 'ava';
import {
  fromStoredBytes,
  type StoredRequest,
  toStoredBytes,
} from '../../../../src/dialects/netlify/background/stored-request.ts';

const REQUEST: StoredRequest = {
  method: 'PUT',
  url: 'https://shop.example/report/7?x=%20&y',
  rawHeaders: ['Host', 'shop.example', 'X-Tag', 'a', 'x-tag', 'caf\xe9'],
  clientAddress: '198.51.100.7',
  trusted: false,
  requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  params: { id: '7', rest: ['a', 'b%2Fc'] },
  route: '/report/:id',
  body: Buffer.from('{"a":1}\n'),
};

/** Pseudo-random numbers from a seed, equal in each run. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

function fuzzed(seed: number): StoredRequest {
  const source = numbers(seed);
  const next = (below: number): number => source.next().value % below;
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => next(256)));
  const text = (): string => bytes(next(40)).toString('latin1');
  return {
    ...REQUEST,
    rawHeaders: Array.from({ length: 2 * next(20) }, text),
    params: Object.fromEntries(Array.from({ length: next(4) }, () => [text(), next(2) ? text() : [text(), text()]])),
    route: next(2) ? text() : undefined,
    body: bytes(next(3000)),
  };
}

test('a stored request is read back unchanged', (t) => {
  t.deepEqual(fromStoredBytes(toStoredBytes(REQUEST)), REQUEST);
});

test('any headers, params and bodies are read back unchanged, also from the middle of a larger buffer', (t) => {
  for (let seed = 1; seed <= 500; seed++) {
    const request = fuzzed(seed);
    const around = Buffer.concat([Buffer.from('xyz'), toStoredBytes(request), Buffer.from('xyz')]);

    t.deepEqual(fromStoredBytes(new Uint8Array(around).subarray(3, -3)), request);
  }
});

test('the first line of a stored request is readable JSON', (t) => {
  const [line = ''] = toStoredBytes(REQUEST).toString().split('\n');

  t.like(JSON.parse(line), { version: 1, method: 'PUT', url: REQUEST.url, bodyBytes: 8 });
});

test('a request that an earlier nexthop stored is read', (t) => {
  const head =
    '{"version":1,"method":"PUT","url":"https://a.example/x","rawFields":["Host","a.example"],"clientAddress":"",' +
    '"trusted":false,"requestId":"r","params":{},"bodyBytes":2}';

  const { rawHeaders, body } = fromStoredBytes(Buffer.from(`${head}\nhi`));

  t.deepEqual(rawHeaders, ['Host', 'a.example']);
  t.is(String(body), 'hi');
});

test('a request of a newer version is refused with both versions', (t) => {
  const newer = Buffer.from(toStoredBytes(REQUEST).toString('latin1').replace('"version":1', '"version":2'), 'latin1');

  t.throws(() => fromStoredBytes(newer), {
    message: /has version 2, and this nexthop reads 1: was it stored by a newer/,
  });
});

const DAMAGES: readonly (readonly [string, (bytes: Buffer) => Uint8Array, RegExp])[] = [
  ['nothing', () => Buffer.alloc(0), /head has no end/],
  ['a cut head', (bytes) => bytes.subarray(0, 20), /head has no end/],
  ['a cut body', (bytes) => bytes.subarray(0, -1), /body has 7 bytes instead of 8/],
  ['a longer body', (bytes) => Buffer.concat([bytes, Buffer.from('x')]), /body has 9 bytes instead of 8/],
  ['no JSON', () => Buffer.from('GET / HTTP/1.1\n'), /head is no JSON/],
  ['a list', () => Buffer.from('[]\n'), /has version undefined/],
  ['null', () => Buffer.from('null\n'), /head is no object/],
  ['a head without method', (bytes) => replaced(bytes, '"method"', '"methud"'), /lacks something/],
  ['a header name without a value', (bytes) => replaced(bytes, '"Host",', ''), /lacks something/],
  ['a relative URL', (bytes) => replaced(bytes, 'https://shop.example', ''), /lacks something/],
  ['params of numbers', (bytes) => replaced(bytes, '"id":"7"', '"id":7'), /lacks something/],
];

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
}

for (const [what, damage, message] of DAMAGES) {
  test(`${what} is refused with the reason`, (t) => {
    t.throws(() => fromStoredBytes(damage(toStoredBytes(REQUEST))), { name: 'Fault', message });
  });
}
