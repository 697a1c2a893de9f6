/** Work that continues after the response (`waitUntil`). A drain waits for it. */
export class PendingWork {
  readonly #promises = new Set<Promise<unknown>>();
  readonly #onRejection: (error: unknown, owner: string) => void;

  constructor(onRejection: (error: unknown, owner: string) => void) {
    this.#onRejection = onRejection;
  }

  get size(): number {
    return this.#promises.size;
  }

  /** Tracks `work` until it settles. If it rejects, the log names `owner` (a file or route). */
  add(work: unknown, owner: string): void {
    const promise = Promise.resolve(work)
      .catch((error: unknown) => this.#onRejection(error, owner))
      .finally(() => this.#promises.delete(promise));
    this.#promises.add(promise);
  }

  /** Resolves when nothing is pending, including work that is added meanwhile. */
  async settled(): Promise<void> {
    while (this.#promises.size > 0) await Promise.all(this.#promises);
  }
}
