import test from 'ava';
import { KeptAnswer } from '../../src/cache/kept-answer.ts';
import { Memory } from '../../src/cache/memory.ts';
import type { Variation } from '../../src/cache/policy/variation.ts';
import { Random } from '../helpers/differential/random.ts';

const NONE: Variation = { query: 'all', headers: [], cookies: [], languages: [], countries: [] };

function keptAnswer(bytes: number): KeptAnswer {
  const times = { askedAtMs: 0, bornAtMs: 0, lifetimeMs: 1000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  return new KeptAnswer(
    { status: 200, headers: [], body: Buffer.alloc(bytes), tags: [], isDurable: false, passes: 0, ...times },
    'all',
  );
}

function keep(memory: Memory, url: string, key: string, variation = NONE, kept = keptAnswer(10)): boolean {
  return memory.keep(url, { kept, variation, toKey: () => key });
}

/** As a request does. False: there was no such entry, and it was stored. */
function use(memory: Memory, url: string, key: string): boolean {
  const kept = memory.find(url)?.variants.get(key)?.kept;
  if (kept) kept.noteUse();
  else keep(memory, url, key);
  return kept !== undefined;
}

test('a million URLs stay within the limits of bytes and of entries', (t) => {
  const memory = new Memory({ totalBytes: 5_000_000 });
  const kept = keptAnswer(10);
  let largest = 0;

  for (let at = 0; at < 1_000_000; at++) {
    keep(memory, `http://a.test/${at}`, '', NONE, kept);
    largest = Math.max(largest, memory.size);
  }

  t.true(largest <= 5_000_000, String(largest));
  t.is(memory.find('http://a.test/0'), undefined);
  t.truthy(memory.find('http://a.test/999999'));
});

test('random queries make room for each other, and entries that were used again stay', (t) => {
  const memory = new Memory({ totalBytes: 2 ** 26, mostEntries: 100 });
  use(memory, 'other', '');
  use(memory, 'other', '');
  use(memory, 'url', '?popular');
  use(memory, 'url', '?popular');

  for (let at = 0; at < 100_000; at++) use(memory, 'url', `?${at}`);

  t.true(use(memory, 'url', '?popular'));
  t.true(use(memory, 'other', ''));
  t.is(
    [...memory.list()].reduce((sum, [, { variants }]) => sum + variants.size, 0),
    100,
  );
});

test('an entry that had to make room, and is asked for again soon, stays from then on', (t) => {
  const memory = new Memory({ totalBytes: 2 ** 26, mostEntries: 100 });
  const found = [];

  for (let at = 0; at < 10_000; at++) {
    if (at % 150 === 0) found.push(use(memory, 'url', '?seldom'));
    use(memory, 'url', `?${at}`);
  }

  t.deepEqual(found.slice(0, 2), [false, false]);
  t.deepEqual([...new Set(found.slice(2))], [true]);
});

test('entries that were used again make room for others when clients do not use them any more', (t) => {
  const memory = new Memory({ totalBytes: 2 ** 26, mostEntries: 100 });
  for (const round of [1, 2, 3, 4])
    for (let at = 0; at < 100; at++) for (let times = 0; times < 5; times++) use(memory, `old ${round}`, `${at}`);

  for (let at = 0; at < 100; at++) for (let times = 0; times < 5; times++) use(memory, 'new', `${at}`);

  t.true(memory.find('new')?.variants.has('99'));
  t.true((memory.find('new')?.variants.size ?? 0) > 50);
});

test('the bytes of memory are those of its entries after ten thousand random changes', (t) => {
  const random = new Random(1);
  const memory = new Memory({ totalBytes: 100_000, mostEntries: 40 });

  for (let at = 0; at < 10_000; at++) {
    const url = `${random.below(2)}|${random.below(4)}`;
    const key = `?${random.below(12)}`;
    const action = random.below(12);
    if (action === 0) memory.dropUrl(url);
    else if (action === 1) memory.dropAll(`${random.below(2)}|`);
    else if (action === 2) {
      const kept = memory.find(url)?.variants.get(key)?.kept;
      if (kept) memory.drop(url, key, kept);
    } else if (action === 3) keep(memory, url, key, { ...NONE, headers: random.pick([[], ['x-a']]) });
    else if (action < 6) keep(memory, url, key, NONE, keptAnswer(random.pick([0, 10, 5000, 120_000])));
    else use(memory, url, key);
    const variants = [...memory.list()].flatMap(([, each]) => [...each.variants.values()]);
    t.is(
      memory.size,
      variants.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    t.true(memory.size <= 100_000 && variants.length <= 40);
    t.is(memory.isEmpty, variants.length === 0);
  }
});

test('an entry that is larger than the memory is not kept', (t) => {
  const memory = new Memory({ totalBytes: 5000 });

  t.false(keep(memory, 'url', '', NONE, keptAnswer(6000)));
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
