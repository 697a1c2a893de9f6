import { Fault } from '../contract/fault.ts';

/**
 * The common limit of upgraded connections: tunnels to the hop and WebSockets of functions,
 * including those that are being opened.
 */
export class UpgradeSlots {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one slot, which the caller must free. Throws `hop_busy` if none is left. */
  take(): void {
    if (this.#taken >= this.#most) {
      throw new Fault('hop_busy', {
        message: `${this.#taken} upgraded connections are open, which is the limit (MAX_TUNNELS)`,
        headers: ['Retry-After', '1'],
      });
    }
    this.#taken++;
  }

  free(): void {
    this.#taken--;
  }
}
