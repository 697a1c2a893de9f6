import type { SiteCode } from '../contract/site-code.ts';

/** Replace the global functions of the same names for the files of a site. */
export type SiteTimers = Pick<typeof globalThis, (typeof NAMES)[number]>;

const NAMES = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] as const;

/** More are not cleared: code that ends its timers in other ways must not fill the memory. */
const MOST_TIMERS = 10_000;

/**
 * Timers that end with the code that started them. They call the global functions as they are at
 * that time, which code may have replaced.
 */
export function createTimers(code: SiteCode): SiteTimers {
  const timers = new Set<unknown>();
  let isHeld = false;
  const hold = (timer: unknown): void => {
    if (!isHeld) {
      isHeld = true;
      code.hold(() => {
        for (const each of timers) globalThis.clearTimeout(each as NodeJS.Timeout); // takes any value
      });
    }
    if (code.isEnded) globalThis.clearTimeout(timer as NodeJS.Timeout);
    else if (timers.size < MOST_TIMERS) timers.add(timer);
  };
  const start =
    (name: 'setTimeout' | 'setInterval') =>
    (...given: unknown[]): unknown => {
      const [callback, ...rest] = given;
      const run = callback as (...args: unknown[]) => void;
      const once = (...args: unknown[]): void => {
        timers.delete(timer);
        run(...args);
      };
      // Node rejects everything but a function.
      const isOnce = name === 'setTimeout' && typeof callback === 'function';
      const timer: unknown = Reflect.apply(globalThis[name], globalThis, [isOnce ? once : callback, ...rest]);
      hold(timer);
      return timer;
    };
  const clear =
    (name: 'clearTimeout' | 'clearInterval') =>
    (timer: unknown): void => {
      timers.delete(timer);
      Reflect.apply(globalThis[name], globalThis, [timer]);
    };
  const own = {
    setTimeout: start('setTimeout'),
    setInterval: start('setInterval'),
    clearTimeout: clear('clearTimeout'),
    clearInterval: clear('clearInterval'),
  };
  for (const name of NAMES) {
    // Also the symbol by which `util.promisify` finds another function.
    Object.defineProperties(own[name], Object.getOwnPropertyDescriptors(globalThis[name]));
  }
  return own as unknown as SiteTimers; // they take and return what the global ones do
}
