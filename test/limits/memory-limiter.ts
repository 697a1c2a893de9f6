import test from 'ava';
import type { CountedRequests } from '../../src/contract/rate-limit.ts';
import { type LimiterPeers, MemoryLimiter } from '../../src/limits/memory-limiter.ts';
import { testLimiter } from '../helpers/limiter-contract.ts';

const WINDOW_MS = 60_000;

testLimiter('memory', async (_t, position) => {
  let nowMs = (1_000_000 + position) * WINDOW_MS;
  const limiter = new MemoryLimiter({ mostKeys: 100, now: () => nowMs });
  return {
    limiter,
    windowMs: WINDOW_MS,
    async passWindows(count) {
      nowMs += count * WINDOW_MS;
    },
  };
});

const RULE = { id: 'rule', name: 'rule', limit: 2, windowMs: WINDOW_MS, by: ['ip'] } as const;

test('a flood of keys keeps no more than the most keys, and does not free a key that is limited', (t) => {
  const limiter = new MemoryLimiter({ mostKeys: 1000, now: () => 0 });
  const isAllowed = (key: string): boolean => limiter.take(RULE, key).isAllowed;
  for (let count = 0; count < 3; count++) isAllowed('limited');

  let passed = 0;
  for (let count = 0; count < 1_000_000; count++) if (isAllowed(`flood ${count}`)) passed++;

  t.is(limiter.size, 1000);
  // The keys that had room, and those that took the place of another: ten times the limit.
  t.is(passed, 999 + 20);
  t.false(isAllowed('limited'));
});

test('a key that is over makes room without a limit for new keys', (t) => {
  let nowMs = 0;
  const limiter = new MemoryLimiter({ mostKeys: 10, now: () => nowMs });
  for (let count = 0; count < 1000; count++) {
    nowMs += WINDOW_MS / 4;

    t.true(limiter.take(RULE, `${count}`).isAllowed);
  }
  t.is(limiter.size, 10);
});

test('a key that is used again stays longer than keys that are not', (t) => {
  let nowMs = 0;
  const limiter = new MemoryLimiter({ mostKeys: 10, now: () => nowMs });
  limiter.take(RULE, 'used');
  for (let count = 0; count < 9; count++) limiter.take(RULE, `${count}`);
  nowMs += WINDOW_MS;
  limiter.take(RULE, 'used');

  for (let count = 10; count < 19; count++) limiter.take(RULE, `${count}`);

  t.is(limiter.take(RULE, 'used').remaining, 0);
});

for (const [limit, longestS] of [
  [10, 66],
  [1, 120],
] as const) {
  test(`of ${limit} requests in 60 s the next one passes after at most ${longestS} s, as docs/rate-limits.md says`, (t) => {
    let nowMs = 0;
    const limiter = new MemoryLimiter({ mostKeys: 10, now: () => nowMs });
    const rule = { ...RULE, limit };
    for (let count = 0; count < limit; count++) limiter.take(rule, 'a');

    const { isAllowed, resetMs } = limiter.take(rule, 'a');

    t.false(isAllowed);
    t.is(Math.round(resetMs / 1000), longestS);
    nowMs += resetMs - 1000;
    t.false(limiter.take(rule, 'a').isAllowed);
    nowMs += 1000;
    t.true(limiter.take(rule, 'a').isAllowed);
  });
}

test('processes that share their counts let the limit pass together', (t) => {
  const nowMs = { value: 0 };
  const [one, other] = connected(nowMs);
  const pass = (limiter: MemoryLimiter, key: string) => limiter.take({ ...RULE, limit: 4 }, key).isAllowed;

  t.deepEqual(
    [pass(one.limiter, 'a'), pass(one.limiter, 'a'), pass(one.limiter, 'a'), pass(one.limiter, 'b')],
    Array(4).fill(true),
  );
  one.flush();
  t.deepEqual([pass(other.limiter, 'a'), pass(other.limiter, 'a'), pass(other.limiter, 'b')], [true, false, true]);
  other.flush();
  t.is(one.limiter.take({ ...RULE, limit: 4 }, 'b').remaining, 1);
  nowMs.value += 2 * WINDOW_MS;
  t.true(pass(other.limiter, 'a'));
});

/** Two limiters, each with what calls its collected work. */
function connected(nowMs: { readonly value: number }) {
  const listeners: ((counted: CountedRequests) => void)[] = [];
  return [1, 0].map((peer) => {
    let work = (): void => {};
    const peers: LimiterPeers = {
      shareCounts: (counted) => listeners[peer]?.(counted),
      onCounts: (listener) => void listeners.push(listener),
      after: (_ms, collected) => {
        work = collected;
      },
    };
    return { limiter: new MemoryLimiter({ mostKeys: 10, now: () => nowMs.value, peers }), flush: () => work() };
  }) as [Connected, Connected];
}

interface Connected {
  readonly limiter: MemoryLimiter;
  flush(): void;
}
