import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import { toLength } from '../contract/content-length.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { type Coding, toDecodedCoding } from './coded-bytes.ts';
import { HOP_BY_HOP, isEventStream, joinValues, withoutNames } from './headers.ts';
import type { ResponseParts } from './text-response.ts';

/**
 * The members of a Response that are needed to send it. Beside the global class this accepts
 * Responses of another realm, of the undici package and of node-fetch, whose body is a Node stream.
 */
export interface WebResponse extends ResponseParts {
  readonly body: unknown;
  readonly bodyUsed: boolean;
  /** Set if this is a copy of another Response's headers and body with additional headers. */
  readonly copyOf?: WebResponse;
}

const CONTENT_ENCODING: ReadonlySet<string> = new Set(['content-encoding']);

/**
 * Status and headers of a function's Response, prepared for sending. Nothing is written before
 * `send`.
 */
export class WebResponseHead {
  readonly status: number;
  readonly #exchange: Exchange;
  readonly #reason: string;
  #flat: string[] = [];
  #declaredLength: number | undefined;
  #coding: Coding | undefined;

  /**
   * `ownReason`: use the standard reason phrase of the status. Throws `function_bad_answer` for a
   * status that is not 200 to 599.
   */
  constructor(exchange: Exchange, { status, statusText, headers }: ResponseParts, ownReason = false) {
    if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
      throw new Fault('function_bad_answer', { message: `the status of a Response must be 200 to 599, got ${status}` });
    }
    this.#exchange = exchange;
    this.status = status;
    this.#reason = (!ownReason && statusText && toReason(statusText)) || STATUS_CODES[status] || 'unknown';
    this.#copy(headers);
  }

  /** The function's Content-Length, if valid. Only the end of the body shows whether it is true. */
  get declaredLength(): number | undefined {
    return this.#declaredLength;
  }

  /**
   * The function's Content-Encoding, if `fetch` decodes it. Then it may be the coding of bytes that
   * `fetch` received and not of this body.
   */
  get coding(): Coding | undefined {
    return this.#coding;
  }

  /**
   * Removes Content-Encoding and Content-Length, because they describe other bytes than the body.
   */
  leaveOutCoding(): void {
    if (this.#coding) this.#flat = withoutNames(this.#flat, CONTENT_ENCODING);
    this.#coding = undefined;
    this.#declaredLength = undefined;
  }

  /** True if the method or the status forbids a body (RFC 9110 6.4.1). */
  get isWithoutBody(): boolean {
    return (
      this.status === 204 || this.status === 205 || this.status === 304 || this.#exchange.request.method === 'HEAD'
    );
  }

  /**
   * Writes the head, which leaves together with the first content. `length` undefined: that of the whole body if it
   * is sent at once, else the framing that this client can read.
   */
  send(length: number | undefined): void {
    const flat = this.#flat;
    if (length !== undefined) flat.push('Content-Length', String(length));
    try {
      this.#exchange.writeHead(this.status, this.#reason, flat);
      if (isEventStream(this.#exchange.contentType)) this.#exchange.endsWithClient = true;
    } catch (cause) {
      throw new Fault('function_bad_answer', { message: toUnwritableMessage(flat), cause });
    }
  }

  /** Sends the response without a body. */
  sendWithoutBody(): void {
    this.send(this.#lengthWithoutBody());
    this.#exchange.response.end();
  }

  /** Sends the response with a text body. */
  sendText(text: string): void {
    this.send(undefined);
    this.#exchange.response.end(text);
  }

  /** Sends the response with a complete body. */
  sendWith(body: Uint8Array): void {
    this.send(undefined);
    this.#exchange.response.end(body);
  }

  /**
   * The Content-Length without a body: the declared one for HEAD and 304, none for 204 (RFC 9110
   * 8.6), 0 for 205 (15.3.6).
   */
  #lengthWithoutBody(): number | undefined {
    if (this.status === 204) return undefined;
    return this.status === 205 ? 0 : this.#declaredLength;
  }

  /** Copies the headers that are sent and reads those that matter here. */
  #copy(headers: WebResponse['headers']): void {
    const exchange = this.#exchange;
    const flat = this.#flat;
    const { requestId, platformId } = exchange;
    let contentEncoding: string | undefined;
    let hasRequestId = false;
    for (const [name, value] of headers) {
      const lowerCase = name.toLowerCase();
      if (HOP_BY_HOP.has(lowerCase)) continue;
      if (lowerCase === 'content-length') {
        this.#declaredLength = toLength(value);
        continue;
      }
      if (lowerCase === 'content-type') exchange.contentType = value;
      else if (lowerCase === 'content-encoding') contentEncoding = joinValues(contentEncoding, value);
      else if (lowerCase === 'section-io-tag') exchange.sectionTag = value;
      else if (lowerCase === requestId.name) hasRequestId = true;
      else if (lowerCase === platformId?.name) continue;
      else if (lowerCase === 'set-cookie' && hasRaw(headers)) {
        for (const cookie of headers.raw()['set-cookie'] ?? []) flat.push(name, cookie);
        continue;
      }
      flat.push(name, value);
    }
    if (!hasRequestId) flat.push(requestId.name, requestId.value);
    if (platformId) flat.push(platformId.name, platformId.value);
    if (contentEncoding !== undefined) this.#coding = toDecodedCoding(contentEncoding);
  }
}

/**
 * The Headers of node-fetch joins cookies so that they cannot be separated; only this method keeps
 * them apart.
 */
interface RawHeaders {
  raw(): Readonly<Record<string, readonly string[]>>;
}

function hasRaw(headers: object): headers is RawHeaders {
  return 'raw' in headers && typeof headers.raw === 'function';
}

/** Removes characters that a reason phrase cannot contain (RFC 9112 4). */
function toReason(statusText: string): string {
  return statusText.replaceAll(/[^\t -~\x80-\xff]/g, '');
}

function toUnwritableMessage(flat: readonly string[]): string {
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] as string; // pairs
    try {
      validateHeaderName(name);
      validateHeaderValue(name, flat[at + 1] as string);
    } catch {
      // This is the header that makes writeHead throw.
      return `the Response has an invalid header: ${JSON.stringify(name)}`;
    }
  }
  return 'the head of the Response is invalid';
}
