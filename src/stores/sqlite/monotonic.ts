/** Milliseconds on a clock that never jumps and is the same in every thread of the process, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
