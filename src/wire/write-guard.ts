import type { ServerResponse } from 'node:http';
import { wrongLength } from '../contract/content-length.ts';
import { Fault } from '../contract/fault.ts';
import type { HeadArguments } from './flat-headers.ts';
import { frameHead } from './node-head.ts';
import { isHeadWaiting, makeWholeHead, markEnded } from './node-insides.ts';
import { inheritsMethods, isOverridden, type Method, type Methods, methodsOf, NODES } from './response-methods.ts';
import { lengthOf, toOneText, toWhole } from './written-content.ts';

/** Whose response is guarded. */
export interface GuardOwner {
  /** Called for each head before it is framed. Returns what is written instead. */
  changeHead(given: HeadArguments): HeadArguments;
  /** Called for each head that can be written. Returns what is written instead. */
  finishHead(given: HeadArguments): HeadArguments;
  /** What code writes is not sent any more. False: nothing answers the fault. */
  failWriting(fault: Fault): boolean;
  /** Node writes the response to its socket, and emits `finish` then. Idempotent. */
  sentByNode(): void;
  /** `sendWhole` may be called. */
  readonly sendsWhole: boolean;
  /** Sends a whole response, head and content as text of one character a byte. */
  sendWhole(text: string): void;
}

export interface WriteGuardParts {
  readonly response: GuardedResponse;
  /** Of the request. */
  readonly method: string;
  readonly owner: GuardOwner;
}

/**
 * Watches what is written to Node's response. Of a body that is longer than its Content-Length nothing beyond it is sent: the
 * client would read it as the next response. Behind one that is too short nothing is sent either. Both are faults.
 *
 * The methods are replaced on the object itself: frameworks replace its prototype. Every head passes through `writeHead`, also
 * the one that Node makes at the first byte (_http_server.js, _implicitHeader).
 *
 * The new methods are the same functions for all responses. With separate functions for each response, V8 (13.6, Node 24) keeps the responses of many
 * requests until a full collection: half of all garbage was promoted, and a request cost three times as much.
 */
export class WriteGuard {
  hasBody = true;
  declaredLength: number | undefined;
  /** Content that was written. */
  sentBytes = 0;
  /** An error response is on its way through the same methods, also after `mute`. */
  isAnswering = false;
  readonly #method: string;
  readonly #owner: GuardOwner;
  readonly #response: GuardedResponse;
  readonly #below: Methods;
  /** The response may get a prototype whose methods are called instead of those below. */
  readonly #inherits: boolean;
  /** Of the same response, below this one. */
  readonly #outer: WriteGuard | undefined;
  #isMuted = false;
  #onLate: (() => void) | undefined;
  /** The chunk that is being written while Node makes the head for it. */
  #firstChunk: Chunk | undefined;
  /** The head that is being made may be sent together with all of the content. */
  #isWhole = false;

  constructor({ response, method, owner }: WriteGuardParts) {
    this.#method = method;
    this.#owner = owner;
    this.#response = response;
    this.#below = methodsOf(response);
    this.#inherits = this.#below === NODES || inheritsMethods(response);
    this.#outer = response[GUARD];
    response[GUARD] = this;
    response.writeHead = guardedWriteHead;
    response.write = guardedWrite;
    response.end = guardedEnd;
    response.destroy = guardedDestroy;
  }

  /** What code writes is dropped from now on, and the first time `onLate` is called. */
  mute(onLate?: () => void): void {
    this.#onLate = onLate;
    if (this.#isMuted) return;
    this.#isMuted = true;
    this.silence();
  }

  /** Once the head is written, Node throws at a late `setHeader`. */
  silence(): void {
    const response = this.#response;
    if (!this.#isMuted || !response.headersSent) return;
    for (const name of SETTERS) response[name] = () => response as never; // as if it had worked
    for (const name of INTERIM) response[name] = () => undefined;
  }

  /** Restores the previous methods, unless other code has replaced them since. `keepsHead`: except `writeHead`. */
  takeOff(keepsHead: boolean): void {
    const response = this.#response;
    const { writeHead, write, end, destroy } = this.#below;
    if (response[GUARD] !== this || response.writeHead !== guardedWriteHead || response.write !== guardedWrite) return;
    if (response.end !== guardedEnd || response.destroy !== guardedDestroy) return;
    Object.assign(response, { write, end, destroy });
    if (keepsHead) return;
    response.writeHead = writeHead;
    response[GUARD] = this.#outer;
  }

  writeHead(given: HeadArguments): ServerResponse {
    if (this.#isDropping) return this.#response;
    if (this.#response.headersSent) return this.#call('writeHead', given);
    const owner = this.#owner;
    if (!this.#isWhole) owner.sentByNode();
    const framed = frameHead(this.#response, this.#method, owner.changeHead(given));
    this.hasBody = framed.hasBody;
    this.declaredLength = framed.declaredLength;
    const fault = this.#firstChunk && this.#check(this.#firstChunk);
    // Node has not stored the head yet, so an error response can still be sent.
    if (fault) throw fault;
    return this.#call('writeHead', owner.finishHead(framed.given));
  }

  write(given: readonly unknown[]): boolean {
    if (!this.#isDropping) return this.#send(given, false, 'write') ?? true;
    this.#drop(given);
    return true;
  }

  end(given: readonly unknown[]): void {
    if (this.#isDropping) this.#drop(given);
    else this.#send(given, true, 'end');
  }

  destroy(cause: Error | undefined): void {
    const response = this.#response;
    const isOver = response.writableEnded || response.destroyed || this.#isMuted;
    const message = 'the app destroyed its response before it was whole';
    if (isOver || !this.#fail(new Fault('function_error', { message, cause }))) this.#call('destroy', [cause]);
  }

  /** What is given goes to Node's own methods. */
  get #isBelowAll(): boolean {
    return this.#below === NODES;
  }

  /** The methods of the app are called, and not those below. False for an error response, which must not depend on code of the app. */
  get #isOverridden(): boolean {
    return this.#inherits && !this.isAnswering && isOverridden(this.#response, this.#below);
  }

  get #isDropping(): boolean {
    return this.#isMuted && !(this.isAnswering && !this.#response.writableEnded);
  }

  /** Calls the callback, so that code which waits for its chunk does not wait forever. */
  #drop(given: readonly unknown[]): void {
    this.#onLate?.();
    this.#onLate = undefined;
    const done = given.at(-1);
    if (typeof done === 'function') process.nextTick(done);
  }

  /** Writes one chunk. Undefined if it does not fit the declared length: then it is not sent. */
  #send<T>(given: readonly unknown[], isLast: boolean, method: Method): T | undefined {
    const response = this.#response;
    const bytes = lengthOf(given);
    if (bytes === undefined || response.writableEnded) return this.#call(method, given);
    if (this.#isOverridden) return this.#sendByApp(given, bytes, method);
    let fault: Fault | undefined;
    if (response.headersSent) fault = this.#check({ bytes, isLast });
    else this.#firstChunk = { bytes, isLast };
    try {
      if (fault) throw fault;
      const sent = isLast ? this.#callEnd<T>(given, bytes) : this.#call<T>(method, given);
      if (this.hasBody) this.sentBytes += bytes;
      return sent;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (!this.#fail(error)) this.#call('destroy', []);
      this.#drop(given);
      return undefined;
    } finally {
      this.#firstChunk = undefined;
    }
  }

  /**
   * The app has methods of its own in the prototype. What they give to Node's, Node alone knows: it throws if that does not fit
   * the declared length.
   */
  #sendByApp<T>(given: readonly unknown[], bytes: number, method: Method): T {
    this.#owner.sentByNode();
    this.#response.strictContentLength = true;
    const sent = this.#call<T>(method, given);
    if (this.hasBody) this.sentBytes += bytes;
    return sent;
  }

  /** Sends the last chunk: together with the head, if nothing was sent before. */
  #callEnd<T>(given: readonly unknown[], bytes: number): T | undefined {
    const response = this.#response;
    const owner = this.#owner;
    const content = owner.sendsWhole && this.#isBelowAll ? toWhole(given, bytes) : undefined;
    if (content !== undefined) {
      const head = this.#makeWholeHead(bytes);
      // Node would write a head with other characters than ASCII in the encoding of the text that follows it.
      if (head !== '' && (content === '' || Buffer.byteLength(head) === head.length)) {
        markEnded(response);
        owner.sendWhole(this.hasBody ? head + content : head);
        return undefined;
      }
    }
    owner.sentByNode();
    return this.#call('end', this.#isBelowAll && isHeadWaiting(response) ? toOneText(given) : given);
  }

  #makeWholeHead(bytes: number): string {
    this.#isWhole = true;
    try {
      return makeWholeHead(this.#response, bytes);
    } finally {
      this.#isWhole = false;
    }
  }

  /** The fault if this chunk does not fit the declared length. */
  #check({ bytes, isLast }: Chunk): Fault | undefined {
    const length = this.declaredLength;
    if (length === undefined || !this.hasBody) return undefined;
    const total = this.sentBytes + bytes;
    if (total > length) return wrongLength('longer', length);
    return isLast && total < length ? wrongLength('shorter', length) : undefined;
  }

  /** False if nothing answers the fault. */
  #fail(fault: Fault): boolean {
    this.mute();
    return this.#owner.failWriting(fault);
  }

  /** Calls the method that was there before, which may be another guard's. */
  #call<T = ServerResponse>(name: Method, given: readonly unknown[]): T {
    const response = this.#response;
    const methods = this.#isOverridden ? (Object.getPrototypeOf(response) as Methods) : this.#below;
    const method = methods[name] as (...given: readonly unknown[]) => T; // one signature for its overloads
    if (!this.#outer) return Reflect.apply(method, response, given);
    response[GUARD] = this.#outer;
    try {
      return Reflect.apply(method, response, given);
    } finally {
      response[GUARD] = this;
    }
  }
}

const GUARD = Symbol('guard');

interface GuardedResponse extends ServerResponse {
  [GUARD]?: WriteGuard | undefined;
}

/** Where the methods below stand, a guard is. */
function guardOf(response: GuardedResponse): WriteGuard {
  return response[GUARD] as WriteGuard;
}

function guardedWriteHead(this: ServerResponse, ...given: HeadArguments): ServerResponse {
  return guardOf(this).writeHead(given);
}

function guardedWrite(this: ServerResponse, ...given: unknown[]): boolean {
  return guardOf(this).write(given);
}

function guardedEnd(this: ServerResponse, ...given: unknown[]): ServerResponse {
  guardOf(this).end(given);
  return this;
}

function guardedDestroy(this: ServerResponse, cause?: Error): ServerResponse {
  guardOf(this).destroy(cause);
  return this;
}

interface Chunk {
  readonly bytes: number;
  readonly isLast: boolean;
}

/** The methods that change a response or send a part of it. */
const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'flushHeaders'] as const;
const INTERIM = ['writeContinue', 'writeProcessing', 'writeEarlyHints'] as const;
