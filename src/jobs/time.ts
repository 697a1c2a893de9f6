/** The wall clock, and timers that may fire late. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once, after at least so long. Returns how to stop that. */
  after(ms: number, call: () => void): () => void;
}

export const SYSTEM_TIME: Time = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
