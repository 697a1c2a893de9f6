import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { toFlat } from '../contract/flat-text.ts';
import { ClientResponse } from '../wire/client-response.ts';
import { type ResponseHeadText, toResponseHead } from '../wire/head-text.ts';

/** The head of a response that is sent many times, each time with a few headers more. The text of its own headers is made and checked once. */
export class PreparedHead {
  readonly #status: number;
  readonly #headers: readonly string[];
  readonly #prepared: ResponseHeadText;

  /** `headers`: flat, without Content-Length. `parts`: flat; values that are parts of added ones. Throws a TypeError for what cannot be sent. */
  constructor(status: number, headers: readonly string[], parts: readonly string[]) {
    this.#status = status;
    this.#headers = headers;
    const prepared = toResponseHead(status, toReason(status), headers);
    this.#prepared = { ...prepared, text: toFlat(prepared.text) };
    toResponseHead(status, '', parts);
  }

  /**
   * The caller writes all of the content, or ends the response, in this turn. `added`: flat; the values are not checked. `length`: of the content for a
   * response to HEAD; -1: the content shows it.
   */
  write(exchange: Exchange, added: readonly string[], length: number): void {
    const { response } = exchange;
    if (exchange.changesHead || !(response instanceof ClientResponse)) {
      const lengthHeader = length < 0 ? [] : ['Content-Length', String(length)];
      exchange.writeHead(this.#status, toReason(this.#status), [...this.#headers, ...lengthHeader, ...added]);
      return;
    }
    let { text } = this.#prepared;
    for (let at = 0; at < added.length; at += 2) text += `${added[at]}: ${added[at + 1]}\r\n`;
    const { trailerLine, hasDate, closes } = this.#prepared;
    response.headText(this.#status, { text, contentLength: length, trailerLine, hasDate, closes });
  }
}

function toReason(status: number): string {
  return STATUS_CODES[status] ?? '';
}
