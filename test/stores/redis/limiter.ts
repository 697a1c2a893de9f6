import { randomUUID } from 'node:crypto';
import test from 'ava';
import type { Limiter, SharedLimiter, Take } from '../../../src/contract/rate-limit.ts';
import { FallbackLimiter } from '../../../src/limits/fallback-limiter.ts';
import { MemoryLimiter } from '../../../src/limits/memory-limiter.ts';
import { testLimiter } from '../../helpers/limiter-contract.ts';
import { runRedis, startRedis } from '../../helpers/redis-server.ts';
import { type LogLine, OUTAGE_CALL_MS, openStore } from '../../helpers/redis-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

const server = await runRedis();
test.after.always(() => server.stop());

/** Undefined while the store is away. */
async function takeOrFail(limiter: Limiter, key: string): Promise<Take | undefined> {
  try {
    return await limiter.take(RULE, key);
  } catch {
    return undefined;
  }
}

/** Windows since the epoch: about a minute each. */
const WINDOWS = 30_000_000;

testLimiter('Redis', async (t, position) => {
  const { store, prefix } = openStore(t, server.url);
  return {
    limiter: limiterOf(store),
    // Now is at this position of the window.
    windowMs: Date.now() / (WINDOWS + position),
    async passWindows(count) {
      // The clock of Redis cannot be set: the windows that were counted are moved instead.
      for (const key of (await server.call('KEYS', `{${prefix}:*`)) as string[])
        await server.call('HINCRBY', key, 'slot', -count);
    },
  };
});

const RULE = { id: 'rule', name: 'rule', limit: 50, windowMs: 3_600_000, by: ['ip'] } as const;

function limiterOf({ limiter }: { readonly limiter?: SharedLimiter }): SharedLimiter {
  if (!limiter) throw new Error('this store has no limiter');
  return limiter;
}

test('an address is not stored in the clear, and its key ends by itself', async (t) => {
  const { store, prefix } = openStore(t, server.url);

  await limiterOf(store).take(RULE, '192.0.2.77');

  const [key = '', ...more] = (await server.call('KEYS', `{${prefix}:*`)) as string[];
  t.deepEqual(more, []);
  t.false(key.includes('192.0.2'));
  const livesMs = Number(await server.call('PTTL', key));
  t.true(livesMs > RULE.windowMs && livesMs <= 2 * RULE.windowMs);
});

test('two processes on one Redis let exactly the limit pass, and know of each other', async (t) => {
  const prefix = randomUUID();
  const limiters = [1, 2].map(() => limiterOf(openStore(t, server.url, { prefix }).store));

  const takes = await Promise.all(
    limiters.flatMap((limiter) => Array.from({ length: 150 }, () => limiter.take(RULE, 'a'))),
  );

  t.is(takes.filter(({ isAllowed }) => isAllowed).length, 50);
  await limiters[0]?.countProcesses();
  t.is(await limiters[1]?.countProcesses(), 2);
});

test('while Redis does not reply, requests are counted here without a long wait and with one line of the log; then again there', async (t) => {
  const own = await startRedis(t);
  const { store, lines } = openStore(t, own.url);
  const log: LogLine[] = [];
  const warn = (message: string, details?: LogLine['details']): void => {
    log.push({ level: 'warn', message, ...(details && { details }) });
  };
  const parts = {
    shared: limiterOf(store),
    local: new MemoryLimiter({ mostKeys: 100 }),
    isStrict: false,
    mostKeys: 100,
  };
  // Only `warn` is called.
  const limiter = new FallbackLimiter({ ...parts, log: { warn } as never });
  const strict = new FallbackLimiter({ ...parts, isStrict: true, log: { warn } as never });
  await untilResult(
    async () => limiter.take(RULE, 'first'),
    ({ remaining }) => remaining < 50,
  );
  const rule = { ...RULE, limit: 3 };

  own.freeze();
  // The store itself waits for a minute.
  const takes = [];
  for (let count = 0; count < 4; count++) takes.push((await limiter.take(rule, 'a')).isAllowed);
  const refusal = await t.throwsAsync(async () => strict.take(rule, 'a'));
  own.thaw();

  t.deepEqual(takes, [true, true, true, false]);
  t.like(refusal, { code: 'store_unavailable' });
  t.deepEqual(
    log.map(({ message }) => message),
    [
      'rate limits are not shared: each process counts its own requests until the store is back',
      'rate limits are not shared: limited requests get 503 until the store is back',
    ],
  );
  await untilResult(
    async () => takeOrFail(strict, 'b'),
    (take) => take?.isAllowed === true,
  );
  t.is(lines.filter(({ level }) => level === 'error').length, 0);
});

for (const state of ['frozen', 'killed'] as const) {
  test(`while Redis is ${state}, a request waits for it for at most 60 ms, and is counted there again when it is back`, async (t) => {
    const own = await startRedis(t);
    const { store } = openStore(t, own.url, { callTimeoutMs: OUTAGE_CALL_MS });
    let lines = 0;
    const create = (): FallbackLimiter =>
      new FallbackLimiter({
        shared: limiterOf(store),
        local: new MemoryLimiter({ mostKeys: 100 }),
        isStrict: false,
        mostKeys: 100,
        log: { warn: () => lines++ } as never,
      });
    const limiter = create();
    await untilResult(
      async () => takeOrFail(limiterOf(store), 'a'),
      (take) => take?.remaining === 49,
    );

    if (state === 'frozen') own.freeze();
    else await own.kill();
    for (let count = 0; count < 5; count++) t.true((await limiter.take(RULE, 'b')).isAllowed);
    t.is(lines, 1);
    // A loaded machine may be late, so the fastest of several limiters counts, each of which notices the outage anew.
    const isInTime = await untilResult(async () => {
      const startedAtMs = performance.now();
      t.true((await create().take(RULE, 'c')).isAllowed);
      return performance.now() - startedAtMs <= 60;
    }, Boolean);
    t.true(isInTime);

    if (state === 'frozen') own.thaw();
    else await own.restart();
    let keys = 0;
    await untilResult(
      async () => {
        const key = `back ${keys++}`;
        return [await limiter.take(RULE, key), await takeOrFail(limiterOf(store), key)] as const;
      },
      ([, there]) => there?.remaining === 48,
    );
    t.true(keys > 0);
  });
}

test('a key that was refused is refused without a question until its time is over', async (t) => {
  let questions = 0;
  const shared: SharedLimiter = {
    async take() {
      questions++;
      return { isAllowed: questions > 1, remaining: 0, resetMs: 50 };
    },
    countProcesses: async () => 1,
  };
  const local = new MemoryLimiter({ mostKeys: 1 });
  const limiter = new FallbackLimiter({ shared, local, isStrict: false, mostKeys: 10, log: undefined as never });

  const first = await limiter.take(RULE, 'a');
  const second = await limiter.take(RULE, 'a');
  const asked = questions;
  const last = await untilResult(
    async () => limiter.take(RULE, 'a'),
    ({ isAllowed }) => isAllowed,
  );

  t.deepEqual([first.isAllowed, second.isAllowed, last.isAllowed], [false, false, true]);
  t.true(second.resetMs <= 50);
  t.is(asked, 1);
});
