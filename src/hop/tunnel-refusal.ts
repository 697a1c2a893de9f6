import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';

/**
 * The hop's answer that is no upgrade, on its way to the client as an ordinary answer that ends the connection.
 * Trailers are left out, as anyone on the way may do (RFC 9110 6.5.1). Its end is the response's: 'finish' when all is written, 'close' without it when the hop broke off and so the answer must look broken.
 */
export class Refusal {
  readonly #answer: IncomingMessage;
  readonly #exchange: Exchange;

  constructor(answer: IncomingMessage, exchange: Exchange) {
    this.#answer = answer;
    this.#exchange = exchange;
  }

  /** Writes the head at once. Throws what node:http throws at a status or fields that cannot be sent. */
  start(fields: readonly string[]): void {
    const { statusCode = 502, statusMessage } = this.#answer; // an answer has one
    const { response } = this.#exchange;
    response.writeHead(statusCode, statusMessage, [...fields, 'Connection', 'close']);
    // The head need not wait for a body that may be slow.
    response.flushHeaders();
    this.#answer.on('data', this.#onData).on('end', this.#onEnd).on('error', this.break);
  }

  /** The rest will not come. The connection goes without the end of the body, so that the client can tell. */
  readonly break = (): void => {
    if (!this.#exchange.response.writableFinished) this.#exchange.response.destroy();
  };

  readonly #onData = (chunk: Buffer): void => {
    const { response, socket } = this.#exchange;
    this.#exchange.bodyBytesSent += chunk.length;
    if (response.write(chunk)) return;
    this.#answer.pause();
    // The response itself is never told: node:http lets go of a socket that asked for an upgrade.
    socket.once('drain', this.#onDrain);
  };

  readonly #onDrain = (): void => {
    this.#answer.resume();
  };

  readonly #onEnd = (): void => {
    this.#exchange.response.end();
  };
}
