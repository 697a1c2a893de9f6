import type { ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { toLength, wrongLength } from './content-length.ts';
import { type HeadArguments, toFlat } from './flat-headers.ts';
import { withoutNames } from './headers.ts';
import { muteResponse } from './mute-response.ts';

export interface AppResponseParts {
  readonly exchange: Exchange;
  /**
   * Called once with the fault that makes the response incomplete. No more of the response is sent.
   */
  readonly onFault: (fault: Fault) => void;
  /** Called once when the app writes to a response that was given up. */
  readonly onLate: () => void;
}

/**
 * Watches what an app (Express, node:http listener) writes to Node's response. Counts the body
 * bytes and enforces the declared Content-Length. Of a body that is too long, only the declared
 * bytes are sent: the client would read the rest as the next response. After a body that is too
 * short nothing else is sent: the client would read it as the rest of the body.
 *
 * The methods are replaced on the object itself, because frameworks replace its prototype.
 */
export class AppResponse {
  readonly #parts: AppResponseParts;
  readonly #response: ServerResponse;
  readonly #below: Pick<ServerResponse, Method>;
  #declaredLength: number | undefined;
  #hasBody = true;
  #isGivenUp = false;
  /** The chunk that is being written while Node creates the head for it. */
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

  /** From now on nothing that the app writes is sent. The error response for a fault still is. */
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
    // Node has stored nothing of the head yet, so an error response can still be sent.
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

  /** True when the app was given up and no error response is being written. */
  get #isIgnored(): boolean {
    return this.#isGivenUp && this.#parts.exchange.fault === undefined;
  }

  /** Calls the callback, so that code which waits for its chunk does not wait forever. */
  #ignore(given: readonly unknown[]): void {
    const done = given.at(-1);
    if (typeof done === 'function') process.nextTick(done);
  }

  /**
   * Writes one chunk with `send`. Undefined if the chunk does not fit the declared length: then it
   * is not sent.
   */
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

  /** The fault if this chunk does not fit the declared length. */
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
   * Reads the Content-Length of a head and returns a head with at most one. It has none if the
   * message cannot have one (RFC 9110 8.6, RFC 9112 6.1) or if it is not a number. Node then frames
   * the body itself.
   */
  #readHead(head: HeadArguments): HeadArguments {
    const [status, reasonOrHeaders, headers] = head;
    const response = this.#response;
    const isReason = typeof reasonOrHeaders === 'string';
    const own = toFlat((isReason ? headers : reasonOrHeaders) ?? []);
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

  /** Calls the original method of the response. */
  #call<T = ServerResponse>(name: Method, given: readonly unknown[]): T {
    return Reflect.apply(this.#below[name], this.#response, given) as T; // one signature for its overloads
  }
}

type Method = 'writeHead' | 'write' | 'end' | 'destroy';

interface Chunk {
  readonly bytes: number;
  readonly isLast: boolean;
}

const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** Bytes of the chunk given to `write` or `end`. Undefined for a chunk that Node rejects. */
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
