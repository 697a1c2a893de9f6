/** Boundaries of the OpenTelemetry conventions for HTTP, in seconds. */
export const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** One series of a histogram: an array, so that a record costs a few nanoseconds. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** The count of each bucket, then the sum. */
  readonly #values: Float64Array;

  constructor(bounds: readonly number[] = SECONDS) {
    this.#bounds = bounds;
    this.#values = new Float64Array(bounds.length + 2);
  }

  record(value: number): void {
    const bounds = this.#bounds;
    const values = this.#values;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (values[bucket] as number)++;
    (values[bounds.length + 1] as number) += value;
  }

  get values(): readonly number[] {
    return [...this.#values];
  }
}
