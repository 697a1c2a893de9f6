import { Fault } from '../contract/fault.ts';

export interface UpgradeSlot {
  /** Idempotent. */
  free(): void;
}

/** The common limit of upgraded connections: tunnels to the hop and WebSockets of functions, including those that are being opened. */
export class UpgradeSlots {
  readonly #most: number;
  readonly #taken = new Set<UpgradeSlot>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one slot, which the caller must free. Throws `hop_busy` if none is left. */
  take(): UpgradeSlot {
    const taken = this.#taken;
    if (taken.size >= this.#most) {
      throw new Fault('hop_busy', {
        message: `${taken.size} upgraded connections are open, which is the limit (MAX_TUNNELS)`,
        headers: ['Retry-After', '1'],
      });
    }
    const slot = { free: () => void taken.delete(slot) };
    taken.add(slot);
    return slot;
  }
}
