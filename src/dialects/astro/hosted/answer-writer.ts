import { type OutgoingHttpHeader, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { type Coding, isCoded, TELLING_BYTES, toDecodedCoding } from '../../../http/coded-bytes.ts';
import { toLength, wrongLength } from '../../../http/content-length.ts';
import { isDecodedByFetch } from '../../../http/decoded-bodies.ts';
import { Drain } from '../../../http/drain.ts';
import { HOP_BY_HOP, joinValues, withoutNames } from '../../../http/headers.ts';

export type GivenHeaders = Readonly<Record<string, OutgoingHttpHeader | undefined>>;

export interface AnswerHead {
  readonly status: number;
  /** '' for the status's own. */
  readonly reason: string;
  readonly fields: GivenHeaders;
}

export interface AnswerWriterParts {
  readonly exchange: Exchange;
  /** The loop in which the build writes waits when it is told to. */
  readonly isPaced: boolean;
  /** The head cannot be sent at a time at which nothing is called that could throw. */
  readonly onFault: (fault: Fault) => void;
}

/** What a client who reads slowly may keep waiting in memory, where nobody can make the site wait. */
const MOST_WAITING = 16 * 1024 ** 2;

/**
 * Writes what a build answers: with the fields that every answer has, counted for the access line, and held to the length that was announced. The head goes out with
 * the first bytes of the body, or at the end of the turn in which none came. Until then nothing is sent, and the client can still be told of a fault.
 */
export class AnswerWriter {
  readonly #parts: AnswerWriterParts;
  readonly #drain: Drain;
  #status = 200;
  #reason = '';
  /** Of a head that is not sent yet. */
  #fields: string[] | undefined;
  #hasHead = false;
  #hasBody = true;
  #declaredLength: number | undefined;
  /** What the fields say of a coding that `fetch` decodes, until it is known whether the body is in it. */
  #coding: Coding | undefined;
  /** Bytes that are too few to tell it. */
  #held = NOTHING;

  constructor(parts: AnswerWriterParts) {
    this.#parts = parts;
    this.#drain = new Drain(parts.exchange.response);
  }

  /** The answer has begun, though its head may not be sent yet. */
  get hasHead(): boolean {
    return this.#hasHead;
  }

  /** Takes the head. Whether it can be sent shows when it is. */
  head({ status, reason, fields }: AnswerHead): void {
    this.#hasHead = true;
    this.#status = status;
    this.#reason = reason || STATUS_CODES[status] || '';
    this.#hasBody = this.#parts.exchange.request.method !== 'HEAD' && status !== 204 && status !== 304;
    this.#fields = this.#toFields(fields);
    setImmediate(() => this.#sendIdleHead());
  }

  /** The stream that is about to be written. */
  body(stream: unknown): void {
    if (isDecodedByFetch({ body: stream }, undefined)) this.#leaveOutCoding();
  }

  /** Of a head that is not sent nothing is left. */
  takeBack(): void {
    this.#fields = undefined;
  }

  /** False when no more should be written until `drained`. Throws a Fault when there must be no more. */
  write(chunk: Uint8Array | string): boolean {
    const { exchange, isPaced } = this.#parts;
    const { response } = exchange;
    const bytes = this.#settle(chunk, false);
    if (bytes === undefined) return true;
    this.#sendHead(bytes.length);
    if (!this.#hasBody) {
      // What the site still makes is for nobody.
      response.end();
      return false;
    }
    if (!isPaced && response.writableLength > MOST_WAITING) {
      throw new Fault('client_left', {
        message: `more than ${MOST_WAITING} bytes wait for a client who does not read`,
      });
    }
    this.#check(bytes.length);
    exchange.bodyBytesSent += bytes.length;
    return response.write(bytes);
  }

  /** Throws `function_bad_answer` when less came than was announced. */
  end(chunk: Uint8Array | string = ''): void {
    const { exchange } = this.#parts;
    const bytes = this.#settle(chunk, true) ?? NOTHING;
    if (this.#hasBody) {
      this.#check(bytes.length);
      const total = exchange.bodyBytesSent + bytes.length;
      if (this.#declaredLength !== undefined && total < this.#declaredLength)
        throw wrongLength('shorter', this.#declaredLength);
    }
    this.#sendHead(bytes.length);
    if (this.#hasBody) exchange.bodyBytesSent += bytes.length;
    exchange.response.end(bytes);
  }

  /** Resolves when more may be written or nobody is there any more; undefined when that is so now. */
  drained(): Promise<void> | undefined {
    const { response } = this.#parts.exchange;
    if (response.closed || (!response.writableNeedDrain && !response.writableEnded)) return undefined;
    return this.#drain.next();
  }

  /** The build lets wait: what there is goes out now. */
  #sendIdleHead(): void {
    const { exchange, onFault } = this.#parts;
    const { response } = exchange;
    if (!this.#fields || exchange.left || response.destroyed) return;
    // Its coding shows with the first chunk.
    if (this.#coding !== undefined && this.#held.length === 0) return;
    try {
      const held = this.#held;
      this.#held = NOTHING;
      this.#settleCoding(held, false);
      if (held.length > 0) this.write(held);
      else {
        this.#sendHead(0);
        response.flushHeaders();
      }
    } catch (error) {
      onFault(error instanceof Fault ? error : new Fault('function_bad_answer', { cause: error }));
    }
  }

  /** `bodyLength`: of what is written with it. Throws `function_bad_answer` for what cannot be sent; then nothing is. */
  #sendHead(bodyLength: number): void {
    const fields = this.#fields;
    if (!fields) return;
    if (this.#hasBody) this.#check(bodyLength);
    this.#fields = undefined;
    try {
      this.#parts.exchange.response.writeHead(this.#status, this.#reason, fields);
    } catch (cause) {
      throw new Fault('function_bad_answer', { message: 'the head of the answer cannot be written', cause });
    }
  }

  /** What can be written; undefined while there is too little to tell whether it is in the coding that the fields say. */
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
    // Without a body the fields are those of a GET's, which nobody sees.
    const isSeen = this.#hasBody || bytes.length > 0;
    if (isSeen && this.#coding !== undefined && !isCoded(this.#coding, { bytes, isWhole })) this.#leaveOutCoding();
    this.#coding = undefined;
  }

  /** The fields speak of the bytes that `fetch` got, and the body is what it made of them. */
  #leaveOutCoding(): void {
    const names = this.#coding === undefined ? OF_LENGTH : OF_CODED;
    if (this.#fields) this.#fields = withoutNames(this.#fields, names);
    this.#coding = undefined;
    this.#declaredLength = undefined;
  }

  /** Throws `function_bad_answer` when so many bytes more are beyond the length: they would be read as the start of the next answer. */
  #check(bytes: number): void {
    const total = this.#parts.exchange.bodyBytesSent + bytes;
    if (this.#declaredLength !== undefined && total > this.#declaredLength)
      throw wrongLength('longer', this.#declaredLength);
  }

  /** Those about the connection stay behind: it is not the site's. */
  #toFields(given: GivenHeaders): string[] {
    const { exchange } = this.#parts;
    const { requestId, platformId, response } = exchange;
    const fields: string[] = [];
    let contentEncoding: string | undefined;
    let hasRequestId = false;
    for (const [name, values = []] of withLength(given, response)) {
      const lowerName = name.toLowerCase();
      if (HOP_BY_HOP.has(lowerName) || lowerName === platformId?.name) continue;
      if (lowerName === 'content-length') {
        this.#declaredLength = this.#status === 204 ? undefined : toLength(String(values));
        if (this.#declaredLength === undefined) continue;
      } else if (lowerName === 'content-type') exchange.contentType = String(values);
      else if (lowerName === 'content-encoding') contentEncoding = joinValues(contentEncoding, String(values));
      else if (lowerName === 'section-io-tag') exchange.sectionTag = String(values);
      else if (lowerName === requestId.name) hasRequestId = true;
      for (const value of [values].flat()) fields.push(name, String(value));
    }
    if (!hasRequestId) fields.push(requestId.name, requestId.value);
    if (platformId) fields.push(platformId.name, platformId.value);
    if (contentEncoding !== undefined) this.#coding = toDecodedCoding(contentEncoding);
    return fields;
  }
}

const NOTHING: Uint8Array = new Uint8Array();

const OF_LENGTH: ReadonlySet<string> = new Set(['content-length']);
const OF_CODED: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);

/** The fields of a head, and the length that was set before it. */
function withLength(given: GivenHeaders, response: ServerResponse): [string, OutgoingHttpHeader | undefined][] {
  const entries = Object.entries(given);
  const set = response.getHeader('content-length');
  if (set === undefined) return entries;
  response.removeHeader('content-length');
  const isGiven = entries.some(([name]) => name.toLowerCase() === 'content-length');
  return isGiven ? entries : [...entries, ['content-length', set]];
}
