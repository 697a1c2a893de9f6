import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** When a thread counts as idle. */
export interface ShrinkPace {
  /** Between two looks. */
  readonly checkMs: number;
  /** Looks in a row that find no work, before the heap is shrunk again. */
  readonly quietChecks: number;
  /** Least time between two shrinks. */
  readonly pauseMs: number;
}

const PACE: ShrinkPace = { checkMs: 1000, quietChecks: 10, pauseMs: 60_000 };
/** Share of the time in which the event loop may have run, after the start. */
const STARTED_SHARE = 0.1;
/** The same later: a request that arrives meanwhile waits, so there must be nearly none. */
const QUIET_SHARE = 0.01;
/** Growth since the heap was shrunk that is worth another time. */
const GROWTH_BYTES = 6 * 1024 * 1024;
/** The work grows with the objects that live: a larger heap would stand still for too long. */
const MOST_USED_BYTES = 128 * 1024 * 1024;

/**
 * Shrinks the heap of this thread once its event loop has been idle for a second after the start, and again when there has been nearly no work for ten
 * seconds after a load. V8 would keep the memory: its young generation stays at its full size, and no collection of an idle process makes it smaller. The
 * thread stands still for 75 to 90 ms.
 */
export function shrinkHeapWhenIdle({ checkMs, quietChecks, pauseMs }: ShrinkPace = PACE): void {
  let last = performance.eventLoopUtilization();
  let smallBytes = 0;
  let notBeforeMs = 0;
  let quiet = 0;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const isFirst = smallBytes === 0;
    quiet = utilization <= (isFirst ? STARTED_SHARE : QUIET_SHARE) ? quiet + 1 : 0;
    if (quiet < (isFirst ? 1 : quietChecks) || performance.now() < notBeforeMs || !isWorthIt(smallBytes)) return;
    if (!shrinkHeap()) return;
    smallBytes = getHeapStatistics().total_physical_size;
    notBeforeMs = performance.now() + pauseMs;
  }, checkMs).unref();
}

function isWorthIt(smallBytes: number): boolean {
  const { total_physical_size, used_heap_size } = getHeapStatistics();
  return total_physical_size >= smallBytes + GROWTH_BYTES && used_heap_size <= MOST_USED_BYTES;
}

/** Collects all garbage, and returns the memory to the system. False: another thread did the same at this moment. */
export function shrinkHeap(): boolean {
  const isExposed = readCollector() !== undefined;
  // Only the contexts that are created meanwhile have the function. The flag is one for all threads.
  if (!isExposed) setFlagsFromString('--expose-gc');
  const collect = readCollector();
  if (!isExposed) setFlagsFromString('--no-expose-gc');
  if (typeof collect !== 'function') return false;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  return true;
}

function readCollector(): unknown {
  return runInNewContext('globalThis.gc');
}
