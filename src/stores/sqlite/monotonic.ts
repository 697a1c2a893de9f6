/**
 * Milliseconds on a clock that never jumps. Unlike `performance.now()` it is the same in all
 * threads of the process.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
