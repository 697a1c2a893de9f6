import test, { type ExecutionContext } from 'ava';
import type { Limiter, RateRule } from '../../src/contract/rate-limit.ts';

export interface PreparedLimiter {
  readonly limiter: Limiter;
  readonly windowMs: number;
  /** Lets whole windows pass, or sets the clock back by as many. */
  passWindows(count: number): Promise<void>;
}

/** Prepares an empty limiter. `position`: the part of the current window that has passed, 0 to 1. */
export type PrepareLimiter = (t: ExecutionContext, position: number) => Promise<PreparedLimiter>;

/** The contract of limiters, as tests. `name`: the limiter's name. */
export function testLimiter(name: string, prepare: PrepareLimiter): void {
  test.serial(`${name}: of 300 requests at once exactly the limit passes`, async (t) => {
    const prepared = await prepare(t, 0.1);

    t.is(await passing(prepared, 300), 50);
    t.is(await passing(prepared, 300), 0);
  });

  test.serial(`${name}: right after the end of a window no request passes, and two windows later all do`, async (t) => {
    const prepared = await prepare(t, 0.001);
    await passing(prepared, 50);

    await prepared.passWindows(1);
    t.is(await passing(prepared, 300), 0);
    await prepared.passWindows(1);
    t.is(await passing(prepared, 300), 50);
  });

  test.serial(`${name}: a window and a half after the limit was used up, half of it passes`, async (t) => {
    const prepared = await prepare(t, 0.5);
    await passing(prepared, 50);

    await prepared.passWindows(1);
    const passed = await passing(prepared, 300);

    t.true(passed >= 25 && passed <= 28, `${passed}`);
  });

  test.serial(`${name}: refused requests do not count`, async (t) => {
    const prepared = await prepare(t, 0.5);
    await passing(prepared, 1000);

    await prepared.passWindows(1);

    t.true((await passing(prepared, 300)) >= 25);
  });

  test.serial(`${name}: two keys and two rules have counts of their own`, async (t) => {
    const prepared = await prepare(t, 0.1);
    await passing(prepared, 60);

    t.is(await passing(prepared, 60, 'another'), 50);
    t.is(await passing(prepared, 60, 'key', 'another rule'), 50);
  });

  test.serial(`${name}: a clock that steps back neither forgives nor blocks for longer than two windows`, async (t) => {
    const prepared = await prepare(t, 0.1);
    await passing(prepared, 50);

    await prepared.passWindows(-1000);
    t.is(await passing(prepared, 10), 0);
    await prepared.passWindows(2);
    t.is(await passing(prepared, 60), 50);
  });

  test.serial(`${name}: a take says how many requests are left, and when the next one passes`, async (t) => {
    const { limiter, windowMs } = await prepare(t, 0.25);
    const rule = toRule(windowMs, 2);

    const takes = [await limiter.take(rule, 'a'), await limiter.take(rule, 'a'), await limiter.take(rule, 'a')];

    t.deepEqual(
      takes.map(({ isAllowed, remaining }) => [isAllowed, remaining]),
      [
        [true, 1],
        [true, 0],
        [false, 0],
      ],
    );
    // Three quarters of this window, and half of the next one: then one of two has left the window.
    t.true(Math.abs((takes[2]?.resetMs ?? 0) / windowMs - 1.25) < 0.05);
  });
}

function toRule(windowMs: number, limit: number, id = 'rule'): RateRule {
  return { id, name: id, limit, windowMs, by: ['ip'] };
}

/** How many of `count` requests at once pass, of a limit of 50. */
async function passing(
  { limiter, windowMs }: PreparedLimiter,
  count: number,
  key = 'key',
  id = 'rule',
): Promise<number> {
  const rule = toRule(windowMs, 50, id);
  const takes = await Promise.all(Array.from({ length: count }, () => limiter.take(rule, key)));
  return takes.filter(({ isAllowed }) => isAllowed).length;
}
