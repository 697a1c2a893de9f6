import type { Sample } from './measure.ts';
import type { Row } from './rounds.ts';

/** The median of each value of a row, and the spread of its CPU times. */
export interface Summary extends Sample {
  /** Highest minus lowest CPU time, divided by the median. */
  readonly spread: number;
}

/** Undefined if any measurement of the row failed: a server that drops requests has no speed. */
export function summarise({ samples, failures }: Row): Summary | undefined {
  if (failures.length > 0 || samples.length === 0) return undefined;
  const cpuTimes = samples.map(({ cpuMicros }) => cpuMicros);
  const cpuMicros = median(cpuTimes);
  return {
    requestsPerSecond: median(samples.map(({ requestsPerSecond }) => requestsPerSecond)),
    cpuMicros,
    p99Ms: median(samples.map(({ p99Ms }) => p99Ms)),
    peakBytes: median(samples.map(({ peakBytes }) => peakBytes)),
    spread: (Math.max(...cpuTimes) - Math.min(...cpuTimes)) / cpuMicros,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return (low + high) / 2;
}
