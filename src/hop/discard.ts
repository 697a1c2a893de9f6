import type { OriginCall, OriginHandler } from '../wire/origin-call.ts';

/** Reading a longer body costs more than a new connection. */
const LONGEST_BYTES = 256 * 1024;
const LONGEST_MS = 5000;

/**
 * Reads and discards the rest of a response that is not used, so that its connection can be reused. If the body is too long or too slow, its connection
 * is closed instead. Other requests do not wait for it.
 */
export class Discard implements OriginHandler {
  readonly #call: OriginCall;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  /** Replaces the handler of the call for the rest of the response. */
  constructor(call: OriginCall) {
    this.#call = call;
    this.#timer = setTimeout(() => call.abort(), LONGEST_MS).unref();
    call.handler = this;
  }

  data(content: Buffer): void {
    this.#bytes += content.length;
    if (this.#bytes <= LONGEST_BYTES) return;
    clearTimeout(this.#timer);
    this.#call.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  failed(): void {
    clearTimeout(this.#timer);
  }

  // After the head of a response to a request without a body and without an upgrade, these are not called.
  connected(): void {}
  bodyDrained(): void {}
  interim(): void {}
  head(): void {}
  upgraded(): void {}
}
