import type { Facts } from './facts.ts';

/** Larger files are read while they are sent: sending them costs more than opening them. */
const FILE_BYTES = 256 * 1024;

/** Holds the bytes of small files in memory, up to a limit. */
export class Memory {
  readonly #limitBytes: number;
  /**
   * In the order in which they were added. The oldest is removed first, so that a request need not
   * record its use.
   */
  readonly #kept = new Set<Facts>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Holds the bytes of a file that was just read if it is small; otherwise drops them. */
  keep(facts: Facts): void {
    if (facts.bytes === undefined) return;
    if (facts.bytes.length > FILE_BYTES) {
      facts.bytes = undefined;
      return;
    }
    this.#kept.add(facts);
    this.#bytes += facts.bytes.length;
    for (const oldest of this.#kept) {
      if (this.#bytes <= this.#limitBytes) return;
      this.forget(oldest);
    }
  }

  /** Drops the bytes of a file that has changed or is gone. */
  forget(facts: Facts): void {
    if (!this.#kept.delete(facts)) return;
    this.#bytes -= facts.bytes?.length ?? 0;
    facts.bytes = undefined;
  }
}
