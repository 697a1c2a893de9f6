import { Fault } from '../contract/fault.ts';

/** Connections that have left HTTP have one limit: tunnels to the hop and WebSockets of functions, those that are being opened included. */
export class UpgradeSlots {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Throws `hop_busy` when there is none left. Whoever takes one frees it. */
  take(): void {
    if (this.#taken >= this.#most) {
      throw new Fault('hop_busy', {
        message: `${this.#taken} upgraded connections are open already`,
        headers: ['Retry-After', '1'],
      });
    }
    this.#taken++;
  }

  free(): void {
    this.#taken--;
  }
}
