import type { Facts } from './facts.ts';

/** Larger files are read while they are sent: their answers cost more than opening them does. */
const FILE_BYTES = 256 * 1024;

/** Keeps the bytes of small files, up to a limit. */
export class Memory {
  readonly #limitBytes: number;
  /** In the order in which they came: the first to come is the first to go, so that a request need not note that it used one. */
  readonly #kept = new Set<Facts>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps the bytes of a file that was just read, if it is small; else forgets them. */
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

  /** Forgets the bytes of a file that changed or is gone. */
  forget(facts: Facts): void {
    if (!this.#kept.delete(facts)) return;
    this.#bytes -= facts.bytes?.length ?? 0;
    facts.bytes = undefined;
  }
}
