import type { ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { toLength, wrongLength } from './content-length.ts';
import { type HeadArguments, toFlat } from './flat-headers.ts';
import { withoutNames } from './headers.ts';
import { muteResponse } from './mute-response.ts';

export interface AppResponseParts {
  readonly exchange: Exchange;
  /** The answer cannot become whole, and no more of it is sent. Called once. */
  readonly onFault: (fault: Fault) => void;
  /** The app writes to a response that was given up. Called once. */
  readonly onLate: () => void;
}

/**
 * Watches what an app writes to Node's own response: counts the body, and holds it to the length that its head announces. Of a body that is too long nothing beyond
 * the length is sent, since a client would read it as the start of the next answer; behind one that is too short nothing else is sent, since a client would read it
 * as the rest of the body.
 *
 * The methods of the response are replaced on the object itself, because frameworks exchange its prototype.
 */
export class AppResponse {
  readonly #parts: AppResponseParts;
  readonly #response: ServerResponse;
  readonly #below: Pick<ServerResponse, Method>;
  #declaredLength: number | undefined;
  #hasBody = true;
  #isGivenUp = false;
  /** The chunk for which Node makes the head. */
  #firstChunk: Chunk | undefined;

  constructor(parts: AppResponseParts) {
    const { response } = parts.exchange;
    this.#parts = parts;
    this.#response = response;
    const { writeHead, write, end, destroy } = response;
    this.#below = { writeHead, write, end, destroy };
    Object.assign(response, {
      writeHead: this.#writeHead,
      write: this.#write,
      end: this.#end,
      destroy: this.#destroy,
    });
  }

  /** From now on nothing that the app writes is sent. The answer of a fault still is. */
  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    if (this.#response.headersSent) muteResponse(this.#response, this.#parts.onLate);
  }

  readonly #writeHead = (...given: HeadArguments): ServerResponse => {
    if (this.#isIgnored) return this.#response;
    if (this.#isGivenUp || this.#response.headersSent) return this.#call('writeHead', given);
    const args = this.#readHead(given);
    const fault = this.#firstChunk && this.#check(this.#firstChunk);
    // Nothing of the head is stored yet, so that the client can be told.
    if (fault) throw fault;
    return this.#call('writeHead', args);
  };

  readonly #write = (...given: unknown[]): boolean => {
    if (this.#isIgnored) {
      this.#ignore(given);
      return true;
    }
    return this.#send(given, false, () => this.#call<boolean>('write', given)) ?? true;
  };

  readonly #end = (...given: unknown[]): ServerResponse => {
    if (this.#isIgnored) this.#ignore(given);
    else if (this.#isGivenUp) {
      this.#call('end', given);
      muteResponse(this.#response, this.#parts.onLate);
    } else this.#send(given, true, () => this.#call('end', given));
    return this.#response;
  };

  readonly #destroy = (cause?: Error): ServerResponse => {
    const { exchange } = this.#parts;
    const isWhole = this.#response.writableEnded;
    if (isWhole || this.#isGivenUp || exchange.left) return this.#call('destroy', [cause]);
    this.#fail(new Fault('function_error', { message: 'the app destroyed its response before it was whole', cause }));
    return this.#response;
  };

  /** The app was given up, and the answer of the fault is not written just now. */
  get #isIgnored(): boolean {
    return this.#isGivenUp && this.#parts.exchange.fault === undefined;
  }

  /** Somebody who waits for a chunk to be written must not wait for ever. */
  #ignore(given: readonly unknown[]): void {
    const done = given.at(-1);
    if (typeof done === 'function') process.nextTick(done);
  }

  /** `send` is not called, or gives undefined, for a body that does not fit. */
  #send<T>(given: readonly unknown[], isLast: boolean, send: () => T): T | undefined {
    const bytes = lengthOf(given);
    if (this.#isGivenUp || bytes === undefined || this.#response.writableEnded) return send();
    const chunk = { bytes, isLast };
    const fault = this.#response.headersSent ? this.#check(chunk) : undefined;
    if (fault) {
      this.#fail(fault);
      this.#ignore(given);
      return undefined;
    }
    if (!this.#response.headersSent) this.#firstChunk = chunk;
    try {
      const sent = send();
      if (this.#hasBody) this.#parts.exchange.bodyBytesSent += bytes;
      return sent;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#fail(error);
      this.#ignore(given);
      return undefined;
    } finally {
      this.#firstChunk = undefined;
    }
  }

  /** The fault of a chunk that does not fit the length. */
  #check({ bytes, isLast }: Chunk): Fault | undefined {
    if (this.#declaredLength === undefined || !this.#hasBody) return undefined;
    const total = this.#parts.exchange.bodyBytesSent + bytes;
    if (total > this.#declaredLength) return wrongLength('longer', this.#declaredLength);
    return isLast && total < this.#declaredLength ? wrongLength('shorter', this.#declaredLength) : undefined;
  }

  #fail(fault: Fault): void {
    this.giveUp();
    this.#parts.onFault(fault);
  }

  /**
   * Takes the length out of a head, and returns the head with one length at most: none where there cannot be one (RFC 9110 8.6, RFC 9112 6.1), or where it is no
   * number. Node then frames the body itself.
   */
  #readHead(head: HeadArguments): HeadArguments {
    const [status, reasonOrHeaders, fields] = head;
    const response = this.#response;
    const isReason = typeof reasonOrHeaders === 'string';
    const own = toFlat((isReason ? fields : reasonOrHeaders) ?? []);
    const set = ['content-length', 'transfer-encoding'].flatMap((name) => toFlat({ [name]: response.getHeader(name) }));
    const lengths = valuesOf(own, 'content-length') ?? valuesOf(set, 'content-length') ?? [];
    const isChunked = [...own, ...set].some((name, at) => at % 2 === 0 && name.toLowerCase() === 'transfer-encoding');
    const [length, ...others] = new Set(lengths.map(toLength));
    this.#hasBody = this.#parts.exchange.request.method !== 'HEAD' && status !== 204 && status !== 304;
    this.#declaredLength = isChunked || status === 204 || others.length > 0 ? undefined : length;
    if (lengths.length === 0 || (lengths.length === 1 && this.#declaredLength !== undefined)) {
      return head;
    }
    response.removeHeader('content-length');
    const kept = withoutNames(own, CONTENT_LENGTH);
    if (this.#declaredLength !== undefined) kept.push('Content-Length', String(this.#declaredLength));
    return isReason ? [status, reasonOrHeaders, kept] : [status, kept];
  }

  /** Past this, which was put in front of it. */
  #call<T = ServerResponse>(name: Method, given: readonly unknown[]): T {
    return Reflect.apply(this.#below[name], this.#response, given) as T; // its overloads in one
  }
}

type Method = 'writeHead' | 'write' | 'end' | 'destroy';

interface Chunk {
  readonly bytes: number;
  readonly isLast: boolean;
}

const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** Of what `write` or `end` is called with; undefined for what Node does not take. */
function lengthOf([chunk, encoding]: readonly unknown[]): number | undefined {
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return 0;
  if (chunk instanceof Uint8Array) return chunk.byteLength;
  if (typeof chunk !== 'string') return undefined;
  return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'); // Node refuses others
}

function valuesOf(flat: readonly string[], lowerName: string): string[] | undefined {
  const values = flat.filter((_, at) => at % 2 === 1 && flat[at - 1]?.toLowerCase() === lowerName);
  return values.length > 0 ? values : undefined;
}
