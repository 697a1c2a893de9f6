import { type OutgoingHttpHeader, STATUS_CODES } from 'node:http';
import { toLength, wrongLength } from '../../../contract/content-length.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { type Coding, isCoded, TELLING_BYTES, toDecodedCoding } from '../../../http/coded-bytes.ts';
import { isDecodedByFetch } from '../../../http/decoded-bodies.ts';
import { HOP_BY_HOP, joinValues, withoutNames } from '../../../http/headers.ts';

export type GivenHeaders = Readonly<Record<string, OutgoingHttpHeader | undefined>>;

export interface AnswerHead {
  readonly status: number;
  /** Reason phrase; '' for the standard one of the status. */
  readonly reason: string;
  readonly headers: GivenHeaders;
}

export interface AnswerWriterParts {
  readonly exchange: Exchange;
  /** True if the build stops writing when `write` returns false. */
  readonly isPaced: boolean;
  /**
   * Called when a head that is sent from a timer cannot be written: no caller can get the
   * exception.
   */
  readonly onFault: (fault: Fault) => void;
}

/** Bytes that may be buffered for a slow client when the build does not wait for it. */
const MOST_WAITING = 16 * 1024 ** 2;

/**
 * Writes the response of a build. Adds the headers that every response has, counts the body for the
 * access log, and checks it against the announced Content-Length. The head is sent with the first
 * bytes of the body, or at the end of the event loop turn if the build writes none in it. Until
 * then a fault can still become a 500.
 */
export class AnswerWriter {
  readonly #parts: AnswerWriterParts;
  #status = 200;
  #reason = '';
  /** Flat headers of a head that is not sent yet. */
  #headers: string[] | undefined;
  #hasHead = false;
  #hasBody = true;
  #declaredLength: number | undefined;
  /** A Content-Encoding that `fetch` decodes, until it is known whether the body really has it. */
  #coding: Coding | undefined;
  /** The start of the body, as long as it is too short to show whether it is encoded. */
  #held = NOTHING;
  #sentBytes = 0;
  #wake: (() => void) | undefined;

  constructor(parts: AnswerWriterParts) {
    this.#parts = parts;
  }

  /** True once the build gave a head, also if it is not sent yet. */
  get hasHead(): boolean {
    return this.#hasHead;
  }

  /** Keeps the head until it is sent. An invalid header is a fault only then. */
  head({ status, reason, headers }: AnswerHead): void {
    this.#hasHead = true;
    this.#status = status;
    this.#reason = reason || STATUS_CODES[status] || '';
    this.#hasBody = this.#parts.exchange.request.method !== 'HEAD' && status !== 204 && status !== 304;
    this.#headers = this.#toFlatHeaders(headers);
    setImmediate(() => this.#sendIdleHead());
  }

  /**
   * Takes the stream that the build is about to write. If it is the decoded body of a fetch,
   * removes the stale headers.
   */
  body(stream: unknown): void {
    if (isDecodedByFetch({ body: stream }, undefined)) this.#leaveOutCoding();
  }

  /** Drops a head that is not sent yet. */
  takeBack(): void {
    this.#headers = undefined;
  }

  /**
   * Returns false when the caller should wait for `drained` before the next chunk. Throws a Fault
   * when the response must end here.
   */
  write(chunk: Uint8Array | string): boolean {
    const { exchange, isPaced } = this.#parts;
    const { response } = exchange;
    const bytes = this.#settle(chunk, false);
    if (bytes === undefined) return true;
    this.#sendHead(bytes.length);
    if (!this.#hasBody) {
      // The response has no body: the rest of what the build writes is not needed.
      response.end();
      return false;
    }
    if (!isPaced && exchange.socket.writableLength > MOST_WAITING) {
      throw new Fault('client_left', {
        message: `more than ${MOST_WAITING} bytes wait for a client that does not read`,
      });
    }
    this.#check(bytes.length);
    this.#sentBytes += bytes.length;
    return response.write(bytes);
  }

  /** Throws `function_bad_answer` when the body is shorter than its announced length. */
  end(chunk: Uint8Array | string = ''): void {
    const { exchange } = this.#parts;
    const bytes = this.#settle(chunk, true) ?? NOTHING;
    if (this.#hasBody) {
      this.#check(bytes.length);
      const total = this.#sentBytes + bytes.length;
      if (this.#declaredLength !== undefined && total < this.#declaredLength)
        throw wrongLength('shorter', this.#declaredLength);
    }
    this.#sendHead(bytes.length);
    exchange.response.end(bytes);
  }

  /**
   * Resolves when more may be written or the client is gone; undefined when that is the case
   * already.
   */
  drained(): Promise<void> | undefined {
    const { isClosed, isEnded, needsDrain } = this.#parts.exchange.response;
    if (isClosed || (!needsDrain && !isEnded)) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The connection takes more content, or is closed. */
  wake(): void {
    this.#wake?.();
  }

  /** The build wrote no body in this turn: sends the head, and the held bytes, now. */
  #sendIdleHead(): void {
    const { exchange, onFault } = this.#parts;
    if (!this.#headers || exchange.left || exchange.response.isClosed) return;
    // Only the first chunk shows whether Content-Encoding must be removed.
    if (this.#coding !== undefined && this.#held.length === 0) return;
    try {
      const held = this.#held;
      this.#held = NOTHING;
      this.#settleCoding(held, false);
      if (held.length > 0) this.write(held);
      else this.#sendHead(0);
    } catch (error) {
      onFault(error instanceof Fault ? error : new Fault('function_bad_answer', { cause: error }));
    }
  }

  /**
   * `bodyLength`: bytes of the chunk that follows. Throws `function_bad_answer`, and sends nothing,
   * when the head cannot be written.
   */
  #sendHead(bodyLength: number): void {
    const headers = this.#headers;
    if (!headers) return;
    if (this.#hasBody) this.#check(bodyLength);
    this.#headers = undefined;
    try {
      this.#parts.exchange.writeHead(this.#status, this.#reason, headers);
    } catch (cause) {
      throw new Fault('function_bad_answer', { message: 'the head of the answer cannot be written', cause });
    }
  }

  /**
   * Returns the bytes to write; undefined while they are too few to show whether the body has its
   * announced coding.
   */
  #settle(chunk: Uint8Array | string, isWhole: boolean): Uint8Array | undefined {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (this.#coding === undefined && this.#held.length === 0) return bytes;
    const all = Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    if (!isWhole && this.#coding !== undefined && all.length < TELLING_BYTES) {
      this.#held = all;
      setImmediate(() => this.#sendIdleHead());
      return undefined;
    }
    this.#settleCoding(all, isWhole);
    return all;
  }

  #settleCoding(bytes: Uint8Array, isWhole: boolean): void {
    // Without a body, as for HEAD, nothing shows the coding: the headers stay those of a GET.
    const isSeen = this.#hasBody || bytes.length > 0;
    if (isSeen && this.#coding !== undefined && !isCoded(this.#coding, { bytes, isWhole })) this.#leaveOutCoding();
    this.#coding = undefined;
  }

  /**
   * Removes headers that describe the encoded bytes that `fetch` received, while the body is
   * decoded.
   */
  #leaveOutCoding(): void {
    const names = this.#coding === undefined ? OF_LENGTH : OF_CODED;
    if (this.#headers) this.#headers = withoutNames(this.#headers, names);
    this.#coding = undefined;
    this.#declaredLength = undefined;
  }

  /**
   * Throws `function_bad_answer` when this many more bytes would exceed Content-Length. The client
   * would read the rest as the start of the next response (RFC 9112, section 6.3).
   */
  #check(bytes: number): void {
    const total = this.#sentBytes + bytes;
    if (this.#declaredLength !== undefined && total > this.#declaredLength)
      throw wrongLength('longer', this.#declaredLength);
  }

  /**
   * Leaves out hop-by-hop headers: the connection is nexthop's, not the site's. Adds the request's
   * ids.
   */
  #toFlatHeaders(given: GivenHeaders): string[] {
    const { exchange } = this.#parts;
    const { requestId, platformId } = exchange;
    const headers: string[] = [];
    let contentEncoding: string | undefined;
    let hasRequestId = false;
    for (const [name, values = []] of Object.entries(given)) {
      const lowerName = name.toLowerCase();
      if (HOP_BY_HOP.has(lowerName) || lowerName === platformId?.name) continue;
      if (lowerName === 'content-length') {
        this.#declaredLength = this.#status === 204 ? undefined : toLength(String(values));
        if (this.#declaredLength === undefined) continue;
      } else if (lowerName === 'content-type') exchange.contentType = String(values);
      else if (lowerName === 'content-encoding') contentEncoding = joinValues(contentEncoding, String(values));
      else if (lowerName === 'section-io-tag') exchange.sectionTag = String(values);
      else if (lowerName === requestId.name) hasRequestId = true;
      for (const value of [values].flat()) headers.push(name, String(value));
    }
    if (!hasRequestId) headers.push(requestId.name, requestId.value);
    if (platformId) headers.push(platformId.name, platformId.value);
    if (contentEncoding !== undefined) this.#coding = toDecodedCoding(contentEncoding);
    return headers;
  }
}

const NOTHING: Uint8Array = new Uint8Array();

const OF_LENGTH: ReadonlySet<string> = new Set(['content-length']);
const OF_CODED: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);
