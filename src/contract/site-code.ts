/**
 * One loading of code of a site. It ends when newer code has replaced it and its last call is over;
 * then everything that it holds is closed.
 */
export class SiteCode {
  readonly #closers = new Set<() => void>();
  #calls = 0;
  #isRetired = false;
  #isEnded = false;

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** A call, or other work of the code, begins. */
  enter(): void {
    this.#calls++;
  }

  /** Once for each `enter`. */
  leave(): void {
    this.#calls--;
    if (this.#isRetired && this.#calls === 0) this.#end();
  }

  /** No new call will come. */
  retire(): void {
    this.#isRetired = true;
    if (this.#calls === 0) this.#end();
  }

  /**
   * Calls `close` when the code ends; at once if it has. Returns how to take that back, for a
   * resource that is closed earlier.
   */
  hold(close: () => void): () => void {
    if (this.#isEnded) {
      close();
      return () => {};
    }
    this.#closers.add(close);
    return () => void this.#closers.delete(close);
  }

  /** Ends it at once, though calls may not be over: nothing waits for them any more. */
  end(): void {
    this.#isRetired = true;
    this.#end();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const close of this.#closers) close();
    this.#closers.clear();
  }
}
