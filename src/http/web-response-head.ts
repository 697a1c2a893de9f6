import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { type Coding, toDecodedCoding } from './coded-bytes.ts';
import { toLength } from './content-length.ts';
import { HOP_BY_HOP, joinValues, withoutNames } from './headers.ts';

/** Bytes. Above it, copying the body costs more than writing it as a second piece: measured between 4 and 16 KiB. */
const SMALL = 4096;

/**
 * What is needed of a Response to send it. Beside the global class it fits those of another realm, of the undici package
 * and of node-fetch, whose body is a Node stream.
 */
export interface WebResponse {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: unknown;
  readonly bodyUsed: boolean;
  /** Where these are the fields and the body of another Response, with some more fields. */
  readonly copyOf?: WebResponse;
}

const CONTENT_ENCODING: ReadonlySet<string> = new Set(['content-encoding']);

const BEYOND_ASCII = /[\x80-\uffff]/;

/** Status and fields of a function's Response, made ready for the wire. Nothing is written before `send`. */
export class WebResponseHead {
  readonly status: number;
  readonly #exchange: Exchange;
  readonly #reason: string;
  #fields: string[] = [];
  #declaredLength: number | undefined;
  #coding: Coding | undefined;

  /** `ownReason`: the reason phrase is the status's own. Throws `function_bad_answer` for a status that is not final. */
  constructor(exchange: Exchange, { status, statusText, headers }: WebResponse, ownReason = false) {
    if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
      throw new Fault('function_bad_answer', { message: `the status of a Response must be 200 to 599, got ${status}` });
    }
    this.#exchange = exchange;
    this.status = status;
    this.#reason = (!ownReason && statusText && toReason(statusText)) || STATUS_CODES[status] || 'unknown';
    this.#take(headers);
  }

  /** The length that the function gave, if it is one. Whether it is true shows only at the end. */
  get declaredLength(): number | undefined {
    return this.#declaredLength;
  }

  /** The coding that the function gave, if it is one that `fetch` decodes: then it may be that of the bytes that `fetch` got, and not that of the body. */
  get coding(): Coding | undefined {
    return this.#coding;
  }

  /** The body is not in the coding that the function gave, and the length is that of other bytes. */
  leaveOutCoding(): void {
    if (this.#coding) this.#fields = withoutNames(this.#fields, CONTENT_ENCODING);
    this.#coding = undefined;
    this.#declaredLength = undefined;
  }

  /** True when the answer ends behind its head: the method or the status forbids a body (RFC 9110 6.4.1). */
  get isAll(): boolean {
    return (
      this.status === 204 || this.status === 205 || this.status === 304 || this.#exchange.request.method === 'HEAD'
    );
  }

  /** Writes the head; it goes out with what is written next. `length` undefined: Node frames the body for this client. */
  send(length: number | undefined): void {
    const fields = this.#fields;
    if (length !== undefined) fields.push('Content-Length', String(length));
    try {
      this.#exchange.response.writeHead(this.status, this.#reason, fields);
    } catch (cause) {
      throw new Fault('function_bad_answer', { message: unwritable(fields), cause });
    }
  }

  /** The answer of which the head is all. */
  sendAlone(): void {
    this.send(this.#lengthAlone());
    this.#exchange.response.end();
  }

  /** The answer whose body is text. */
  sendText(text: string): void {
    // As UTF-8, Node joins head and body to one string and one write; fields beyond ASCII are not UTF-8 but single bytes.
    if (!this.#isAscii) {
      this.sendWith(Buffer.from(text));
      return;
    }
    const length = Buffer.byteLength(text);
    this.send(length);
    this.#exchange.bodyBytesSent = length;
    this.#exchange.response.end(text);
  }

  /** The answer whose body is at hand. */
  sendWith(body: Uint8Array): void {
    const { response } = this.#exchange;
    this.send(body.length);
    this.#exchange.bodyBytesSent = body.length;
    // As latin1, which keeps every byte, Node joins head and body to one string and one write; bytes would be two pieces.
    if (body.length <= SMALL)
      response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
    else response.end(body);
  }

  /** What a body would have had for HEAD and 304, nothing for 204 (RFC 9110 8.6); 205 says that none comes (15.3.6). */
  #lengthAlone(): number | undefined {
    if (this.status === 204) return undefined;
    return this.status === 205 ? 0 : this.#declaredLength;
  }

  get #isAscii(): boolean {
    for (const part of this.#fields) if (BEYOND_ASCII.test(part)) return false;
    return !BEYOND_ASCII.test(this.#reason);
  }

  /** Copies the fields that go out. */
  #take(headers: WebResponse['headers']): void {
    const exchange = this.#exchange;
    const fields = this.#fields;
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
        for (const cookie of headers.raw()['set-cookie'] ?? []) fields.push(name, cookie);
        continue;
      }
      fields.push(name, value);
    }
    if (!hasRequestId) fields.push(requestId.name, requestId.value);
    if (platformId) fields.push(platformId.name, platformId.value);
    if (contentEncoding !== undefined) this.#coding = toDecodedCoding(contentEncoding);
  }
}

/** node-fetch's, which joins cookies so that nobody can tell them apart again, but keeps them apart for this method. */
interface RawHeaders {
  raw(): Readonly<Record<string, readonly string[]>>;
}

function hasRaw(headers: object): headers is RawHeaders {
  return 'raw' in headers && typeof headers.raw === 'function';
}

/** Without what a reason phrase cannot carry (RFC 9112 4). */
function toReason(statusText: string): string {
  return statusText.replaceAll(/[^\t -~\x80-\xff]/g, '');
}

function unwritable(fields: readonly string[]): string {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    try {
      validateHeaderName(name);
      validateHeaderValue(name, fields[at + 1] as string);
    } catch {
      // That it cannot be written is the news.
      return `the header ${JSON.stringify(name)} of the Response cannot be written`;
    }
  }
  return 'the head of the Response cannot be written';
}
