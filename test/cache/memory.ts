import test from 'ava';
import { KeptAnswer } from '../../src/cache/kept-answer.ts';
import { Memory } from '../../src/cache/memory.ts';
import type { Variation } from '../../src/cache/policy/variation.ts';

const NONE: Variation = { query: 'all', headers: [], cookies: [], languages: [], countries: [] };

function keptAnswer(bytes: number, lifetimeMs = 1000): KeptAnswer {
  const times = { askedAtMs: 0, bornAtMs: 0, lifetimeMs, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  return new KeptAnswer(
    { status: 200, headers: [], body: Buffer.alloc(bytes), tags: [], isDurable: false, ...times },
    'all',
  );
}

function keep(memory: Memory, url: string, key: string, variation = NONE, nowMs = 0, kept = keptAnswer(10)): boolean {
  return memory.keep(url, { kept, variation, toKey: () => key, nowMs });
}

test('a hundred thousand URLs stay within the limits of bytes and of URLs', (t) => {
  const memory = new Memory({ totalBytes: 1_000_000 });
  const kept = keptAnswer(10);
  let largest = 0;

  for (let at = 0; at < 100_000; at++) {
    keep(memory, `http://a.test/${at}`, '', NONE, 0, kept);
    largest = Math.max(largest, memory.size);
  }

  t.true(largest <= 1_000_000, String(largest));
  t.is(memory.find('http://a.test/0'), undefined);
  t.truthy(memory.find('http://a.test/99999'));
});

test('a URL has at most fifty variants, and stale ones make room', (t) => {
  const memory = new Memory({ totalBytes: 1_000_000 });

  for (let at = 0; at < 50; at++) t.true(keep(memory, 'url', `${at}`));
  t.false(keep(memory, 'url', '50'));
  t.true(keep(memory, 'url', '49'));
  t.true(keep(memory, 'url', '50', NONE, 2000));
});

test('an entry that is larger than the memory is not kept', (t) => {
  const memory = new Memory({ totalBytes: 5000 });

  t.false(keep(memory, 'url', '', NONE, 0, keptAnswer(6000)));
  t.is(memory.size, 0);
});

const LATER: Readonly<
  Record<string, readonly [first: Partial<Variation>, later: Partial<Variation>, all: Partial<Variation>]>
> = {
  'the same': [{ headers: ['x-a'] }, { headers: ['x-a'] }, { headers: ['x-a'] }],
  'less than': [{ headers: ['x-a', 'x-b'] }, { headers: ['x-a'] }, { headers: ['x-a', 'x-b'] }],
  'another header than': [{ headers: ['x-a'] }, { headers: ['x-b'] }, { headers: ['x-a', 'x-b'] }],
  'a cookie, unlike': [{}, { cookies: ['a'] }, { cookies: ['a'] }],
  'another parameter than': [{ query: ['a'] }, { query: ['b'] }, { query: ['a', 'b'] }],
  'the whole query, unlike': [{ query: ['a'] }, {}, {}],
  'a parameter of the whole query of': [{}, { query: ['a'] }, {}],
  'other countries than': [
    { countries: [['us'], ['es', 'pt']] },
    { countries: [['us', 'es']] },
    { countries: [['es'], ['pt'], ['us']] },
  ],
  'other languages than': [{ languages: [['en']] }, { languages: [['de']] }, { headers: ['accept-language'] }],
};

for (const [what, [first, later, all]] of Object.entries(LATER)) {
  test(`when a response names ${what} the first one, both are distinguished by what either names`, (t) => {
    const memory = new Memory({ totalBytes: 1_000_000 });
    keep(memory, 'url', 'first', { ...NONE, ...first });
    keep(memory, 'url', 'later', { ...NONE, ...later });
    const found = memory.find('url');

    t.deepEqual(found?.variation, { ...NONE, ...all });
    const isFirstFitting = JSON.stringify({ ...NONE, ...first }) === JSON.stringify({ ...NONE, ...all });
    t.deepEqual([...(found?.variants.keys() ?? [])], isFirstFitting ? ['first', 'later'] : ['later']);
    // A third response of either kind changes nothing any more.
    keep(memory, 'url', 'third', { ...NONE, ...first });
    t.deepEqual(memory.find('url')?.variation, { ...NONE, ...all });
  });
}
