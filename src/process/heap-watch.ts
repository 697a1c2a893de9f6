import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

const CHECK_MS = 250;
/** Collections are observed while the heap holds more than this share of the limit. */
const OBSERVED_SHARE = 0.75;

/**
 * Calls `onFull` after each full collection that leaves more than `limitBytes` in the heap and its
 * buffers. Below three quarters of the limit it costs four readings a second.
 */
export function watchHeap(limitBytes: number, onFull: (usedBytes: number) => void): void {
  const observer = new PerformanceObserver((list) => {
    const usedBytes = readUsedBytes();
    if (usedBytes > limitBytes && list.getEntries().some(isFullCollection)) onFull(usedBytes);
  });
  let isObserving = false;
  setInterval(() => {
    const isNear = readUsedBytes() > limitBytes * OBSERVED_SHARE;
    if (isNear === isObserving) return;
    isObserving = isNear;
    if (isNear) observer.observe({ entryTypes: ['gc'] });
    else observer.disconnect();
  }, CHECK_MS).unref();
}

/** With what can be collected. */
function readUsedBytes(): number {
  const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics();
  return heap + buffers;
}

function isFullCollection(entry: PerformanceEntry & { readonly detail?: unknown }): boolean {
  const { detail } = entry;
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
  return kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
