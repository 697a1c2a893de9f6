import type { Exemplar } from '../contract/metrics.ts';

/** Boundaries of the OpenTelemetry conventions for HTTP, in seconds. */
export const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** One series of a histogram: an array, so that a record costs a few nanoseconds. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** The count of each bucket, then the sum. */
  readonly #values: Float64Array;
  /** The last one of each bucket; undefined if there is none. */
  #exemplars: Map<number, Exemplar> | undefined;

  constructor(bounds: readonly number[] = SECONDS) {
    this.#bounds = bounds;
    this.#values = new Float64Array(bounds.length + 2);
  }

  /** Returns the bucket. */
  record(value: number): number {
    const bounds = this.#bounds;
    const values = this.#values;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (values[bucket] as number)++;
    (values[bounds.length + 1] as number) += value;
    return bucket;
  }

  /** The same with the id of the trace that shows this value. */
  recordTraced(value: number, traceId: string): void {
    const bucket = this.record(value);
    this.#exemplars ??= new Map();
    this.#exemplars.set(bucket, { bucket, traceId, value, atSeconds: Date.now() / 1000 });
  }

  get values(): readonly number[] {
    return [...this.#values];
  }

  get exemplars(): readonly Exemplar[] | undefined {
    return this.#exemplars && [...this.#exemplars.values()];
  }
}
