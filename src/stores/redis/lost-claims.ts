/** Of an outage in which many claims were tried, so many of the last ones. */
const MOST = 100;

/**
 * The leases of claims of which nobody heard what came: Redis may have made them, or may yet when it goes on. Whoever claims next can have their jobs at once,
 * who would else wait until the leases end.
 */
export class LostClaims {
  /** By when it has ended for sure, in the order they were lost. */
  readonly #endsAtMs = new Map<string, number>();

  add(lease: string, leaseMs: number): void {
    // By the time that it is made, it has not begun.
    this.#endsAtMs.set(lease, performance.now() + 2 * leaseMs);
    const [first] = this.#endsAtMs.keys();
    if (first !== undefined && this.#endsAtMs.size > MOST) this.#endsAtMs.delete(first);
  }

  /** Those that may last. */
  list(): readonly string[] {
    if (this.#endsAtMs.size === 0) return [];
    const now = performance.now();
    for (const [lease, endsAtMs] of this.#endsAtMs) if (endsAtMs < now) this.#endsAtMs.delete(lease);
    return [...this.#endsAtMs.keys()];
  }
}
