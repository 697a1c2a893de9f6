import type { ServerResponse } from 'node:http';

/**
 * Waits until a response accepts more bytes or is closed. Can be used many times.
 *
 * It adds its listeners once per response. `compression` moves 'drain' listeners to its own stream,
 * where `off` and `once` cannot remove them, so every wait would leak a listener.
 */
export class Drain {
  readonly #response: ServerResponse;
  #isListening = false;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /**
   * Resolves at the next 'drain', 'close' or call of `wake`. Only one caller may wait at a time.
   */
  async next(): Promise<void> {
    if (!this.#isListening) this.#response.on('drain', this.wake).on('close', this.wake);
    this.#isListening = true;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly wake = (): void => this.#wake?.();
}
