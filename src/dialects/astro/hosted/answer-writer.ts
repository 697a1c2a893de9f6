import { type OutgoingHttpHeader, STATUS_CODES } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { Drain } from '../../../http/drain.ts';
import { HOP_BY_HOP } from '../../../http/headers.ts';

export type GivenHeaders = Readonly<Record<string, OutgoingHttpHeader | undefined>>;

export interface AnswerHead {
  readonly status: number;
  /** '' for the status's own. */
  readonly reason: string;
  readonly fields: GivenHeaders;
}

/** What a client who reads slowly may keep waiting in memory, where nobody can make the site wait. */
const MOST_WAITING = 16 * 1024 ** 2;

/** Writes what a build answers: with the fields that every answer has, counted for the access line, and held to the length that was announced. */
export class AnswerWriter {
  readonly #exchange: Exchange;
  readonly #isPaced: boolean;
  readonly #drain: Drain;
  #declaredLength: number | undefined;

  /** `isPaced`: whoever writes waits when he is told to. */
  constructor(exchange: Exchange, isPaced: boolean) {
    this.#exchange = exchange;
    this.#isPaced = isPaced;
    this.#drain = new Drain(exchange.response);
  }

  /** Throws `function_bad_answer` for what cannot be sent. */
  head({ status, reason, fields }: AnswerHead): void {
    const flat = this.#toFields(fields);
    try {
      this.#exchange.response.writeHead(status, reason || STATUS_CODES[status], flat);
    } catch (cause) {
      throw new Fault('function_bad_answer', { message: 'the head of the answer cannot be written', cause });
    }
  }

  /** False when no more should be written until `drained`. Throws a Fault when there must be no more. */
  write(bytes: Uint8Array | string): boolean {
    const { response } = this.#exchange;
    if (!this.#hasBody) {
      // What the site still makes is for nobody.
      response.end();
      return false;
    }
    if (!this.#isPaced && response.writableLength > MOST_WAITING) {
      throw new Fault('client_left', {
        message: `more than ${MOST_WAITING} bytes wait for a client who does not read`,
      });
    }
    this.#count(bytes);
    return response.write(bytes);
  }

  /** Throws `function_bad_answer` when less came than was announced. */
  end(bytes: Uint8Array | string = ''): void {
    const { response, bodyBytesSent } = this.#exchange;
    if (this.#hasBody) {
      this.#count(bytes);
      if (this.#exchange.bodyBytesSent < (this.#declaredLength ?? bodyBytesSent)) throw this.#wrongLength('shorter');
    }
    response.end(bytes);
  }

  /** Resolves when more may be written or nobody is there any more; undefined when that is so now. */
  drained(): Promise<void> | undefined {
    const { response } = this.#exchange;
    if (response.closed || (!response.writableNeedDrain && !response.writableEnded)) return undefined;
    return this.#drain.next();
  }

  get #hasBody(): boolean {
    const { request, response } = this.#exchange;
    return request.method !== 'HEAD' && response.statusCode !== 204 && response.statusCode !== 304;
  }

  #count(bytes: Uint8Array | string): void {
    const sent = this.#exchange.bodyBytesSent + Buffer.byteLength(bytes);
    // More would be read as the start of the next answer.
    if (sent > (this.#declaredLength ?? sent)) throw this.#wrongLength('longer');
    this.#exchange.bodyBytesSent = sent;
  }

  #wrongLength(how: 'longer' | 'shorter'): Fault {
    const message = `the body is ${how} than its Content-Length, ${this.#declaredLength}`;
    return new Fault('function_bad_answer', { message });
  }

  /** Those about the connection stay behind: it is not the site's. */
  #toFields(given: GivenHeaders): string[] {
    const exchange = this.#exchange;
    const { requestId, platformId } = exchange;
    const fields: string[] = [];
    let hasRequestId = false;
    for (const [name, values = []] of Object.entries(given)) {
      const lowerName = name.toLowerCase();
      if (HOP_BY_HOP.has(lowerName) || lowerName === platformId?.name) continue;
      if (lowerName === 'content-length') this.#declaredLength = Number(values);
      else if (lowerName === 'content-type') exchange.contentType = String(values);
      else if (lowerName === 'section-io-tag') exchange.sectionTag = String(values);
      else if (lowerName === requestId.name) hasRequestId = true;
      for (const value of [values].flat()) fields.push(name, String(value));
    }
    if (!hasRequestId) fields.push(requestId.name, requestId.value);
    if (platformId) fields.push(platformId.name, platformId.value);
    return fields;
  }
}
