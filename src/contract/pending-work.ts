/** Work that outlives its answer (`waitUntil`), so that a drain can wait for it. */
export class PendingWork {
  readonly #promises = new Set<Promise<unknown>>();
  readonly #onRejection: (error: unknown, owner: string) => void;

  constructor(onRejection: (error: unknown, owner: string) => void) {
    this.#onRejection = onRejection;
  }

  get size(): number {
    return this.#promises.size;
  }

  /** Keeps `work` in mind until it settles. `owner` (a file or route) stands in the log if it rejects. */
  add(work: unknown, owner: string): void {
    const promise = Promise.resolve(work)
      .catch((error: unknown) => this.#onRejection(error, owner))
      .finally(() => this.#promises.delete(promise));
    this.#promises.add(promise);
  }

  /** Resolves when nothing is pending, also counting what is added while it waits. */
  async settled(): Promise<void> {
    while (this.#promises.size > 0) await Promise.all(this.#promises);
  }
}
