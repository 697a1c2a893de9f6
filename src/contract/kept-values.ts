/** Names a value that one file keeps about an exchange. */
export class ValueKey<T> {
  /** Only for the type. */
  declare readonly value: T;
}

/**
 * What files keep about one exchange, each by its own key. A WeakMap with exchanges as keys would make V8 move each exchange, with all that belongs to it, to
 * its old generation, which only a full collection frees: that took half of the CPU of a small request.
 */
export class KeptValues {
  /** Keys and values in turn. Undefined: none, as of most requests. */
  #entries: unknown[] | undefined;

  get<T>(key: ValueKey<T>): T | undefined {
    const at = this.#entries?.indexOf(key) ?? -1;
    return at < 0 ? undefined : (this.#entries?.[at + 1] as T); // set with the same key
  }

  /** Once for each key. */
  set<T>(key: ValueKey<T>, value: T): void {
    this.#entries ??= [];
    this.#entries.push(key, value);
  }
}
