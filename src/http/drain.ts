import type { ServerResponse } from 'node:http';

/**
 * Waits, as often as need be, until a response takes more or has closed.
 *
 * It listens once for the whole answer: `compression` moves whoever listens to 'drain' to a stream of its own, from which `off` and `once` do not take him,
 * so that each wait would leave a listener behind.
 */
export class Drain {
  readonly #response: ServerResponse;
  #isListening = false;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** For one that waits at a time. Resolves with `wake`, too. */
  async next(): Promise<void> {
    if (!this.#isListening) this.#response.on('drain', this.wake).on('close', this.wake);
    this.#isListening = true;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly wake = (): void => this.#wake?.();
}
