import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';

/**
 * The hop's response that refuses the upgrade, relayed to the client as a normal response that ends
 * the connection. Trailers are left out, as RFC 9110 6.5.1 allows. The client's response emits
 * 'finish' when all is written. If the hop breaks off, it emits 'close' without 'finish', so that
 * the client sees an incomplete response.
 */
export class Refusal {
  readonly #answer: IncomingMessage;
  readonly #exchange: Exchange;

  constructor(answer: IncomingMessage, exchange: Exchange) {
    this.#answer = answer;
    this.#exchange = exchange;
  }

  /**
   * Writes the head immediately. Throws node:http's error for a status or headers that cannot be
   * sent.
   */
  start(fields: readonly string[]): void {
    const { statusCode = 502, statusMessage } = this.#answer; // a client's IncomingMessage has one
    const { response } = this.#exchange;
    response.writeHead(statusCode, statusMessage, [...fields, 'Connection', 'close']);
    // Send the head now: the body may be slow.
    response.flushHeaders();
    this.#answer.on('data', this.#onData).on('end', this.#onEnd).on('error', this.break);
  }

  /**
   * Closes the connection without the end of the body, so that the client sees that it is
   * incomplete.
   */
  readonly break = (): void => {
    if (!this.#exchange.response.writableFinished) this.#exchange.response.destroy();
  };

  readonly #onData = (chunk: Buffer): void => {
    const { response, socket } = this.#exchange;
    this.#exchange.bodyBytesSent += chunk.length;
    if (response.write(chunk)) return;
    this.#answer.pause();
    // The response gets no 'drain' event: node:http removes its listeners from an upgraded socket.
    socket.once('drain', this.#onDrain);
  };

  readonly #onDrain = (): void => {
    this.#answer.resume();
  };

  readonly #onEnd = (): void => {
    this.#exchange.response.end();
  };
}
