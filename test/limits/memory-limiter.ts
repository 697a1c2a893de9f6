import test from 'ava';
import { MemoryLimiter } from '../../src/limits/memory-limiter.ts';
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
  for (let count = 0; count < 200_000; count++) if (isAllowed(`flood ${count}`)) passed++;

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
