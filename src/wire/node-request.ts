import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from '../contract/fault.ts';
import type { BodySink, BodySource, IncomingRequest, NodeObjects } from '../contract/http-message.ts';
import { toHeaderObject } from './header-lines.ts';
import { addHeaderLines, closeEmpty } from './node-insides.ts';

/** The owner of a request of Node. */
export interface NodeRequestOwner {
  /** The rest of the body will not arrive. */
  bodyFailed(fault: Fault): void;
  /** `release` returned false, and code reads no more of the body. */
  bodyOver(): void;
}

export interface NodeRequestParts {
  readonly request: IncomingRequest;
  /** Becomes `url`. */
  readonly target: string;
  readonly owner: NodeRequestOwner;
  readonly objects: NodeObjects;
}

/** A request as Node's own object, with the data of the request of a connection; it can be read as either. */
export class NodeRequest implements IncomingRequest, BodySink {
  readonly message: IncomingMessage;
  readonly #request: IncomingRequest;
  readonly #owner: NodeRequestOwner;
  #isReading = false;
  #isOver = false;
  #isReleased = false;

  constructor({ request, target, owner, objects }: NodeRequestParts) {
    const { method, minor, headers, socket, body } = request;
    this.#request = request;
    this.#owner = owner;
    const message = objects.createRequest(socket);
    message.httpVersionMajor = 1;
    message.httpVersionMinor = minor;
    message.httpVersion = minor === 1 ? '1.1' : '1.0';
    message.method = method;
    message.url = target;
    (message as { upgrade?: boolean }).upgrade = false;
    addHeaderLines(message, headers.slice());
    const object = toHeaderObject(headers);
    if (object) message.headers = object;
    message.complete = body.announcedBytes === 0;
    (message as FedMessage)[SOURCE] = this;
    // On the object: frameworks replace its prototype. The same function for all; see `WriteGuard`.
    message._read = readSource;
    this.message = message;
  }

  get method(): string {
    return this.#request.method;
  }

  get target(): string {
    return this.#request.target;
  }

  get minor(): 0 | 1 {
    return this.#request.minor;
  }

  get headBytes(): number | undefined {
    return this.#request.headBytes;
  }

  get headers(): readonly string[] {
    return this.#request.headers;
  }

  get hasUnderscoreName(): boolean {
    return this.#request.hasUnderscoreName;
  }

  get host(): string | undefined {
    return this.#request.host;
  }

  get connection(): string | undefined {
    return this.#request.connection;
  }

  get upgrade(): string | undefined {
    return this.#request.upgrade;
  }

  /** The same as the message's: it is read by one of the two. */
  get body(): BodySource {
    return this.#request.body;
  }

  get socket(): Socket {
    return this.#request.socket;
  }

  get(name: string): string | undefined {
    return this.#request.get(name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.#request.replaceHeaders(headers);
    showHeaders(this.message, headers);
  }

  /**
   * The response is complete: the unread part of the body is discarded, so that `end` and `close` are emitted; not if the connection is closed
   * after the response.
   */
  drop(closes: boolean): void {
    const { message } = this;
    if (this.#isReading || this.body.isStarted || message.readableFlowing === true) return;
    if (closes && !message.complete) return;
    if (this.body.announcedBytes === 0 && isUnheard(message) && closeEmpty(message)) return;
    message.removeAllListeners('data');
    message.resume();
  }

  /** True if code reads no more of the body; else `bodyOver` is called then. */
  release(): boolean {
    this.#isReleased = !this.#isOver && !this.message.complete && this.#isFlowing;
    return !this.#isReleased;
  }

  /** The connection closed before the response was complete. */
  abort(): void {
    this.message.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  }

  onData(content: Buffer): void {
    if (!this.message.push(content)) this.body.pause();
  }

  onEnd(): void {
    const { message, body } = this;
    message.complete = true;
    if (body.trailers.length > 0) addHeaderLines(message, body.trailers.slice());
    message.push(null);
    this.#end();
  }

  onFailure(fault: Fault): void {
    this.#owner.bodyFailed(fault);
    this.#end();
  }

  get #isFlowing(): boolean {
    const { message } = this;
    return message.readableFlowing === true || message.listenerCount('readable') > 0;
  }

  /** Called by the message when code reads. */
  read(): void {
    if (this.#isReading) {
      this.body.resume();
      return;
    }
    this.#isReading = true;
    this.body.start(this);
  }

  #end(): void {
    this.#isOver = true;
    // Its connection is still in the middle of the body.
    if (this.#isReleased) process.nextTick(bodyOver, this.#owner);
    this.#isReleased = false;
  }
}

function isUnheard(message: IncomingMessage): boolean {
  return (
    message.listenerCount('end') === 0 && message.listenerCount('close') === 0 && message.listenerCount('error') === 0
  );
}

function bodyOver(owner: NodeRequestOwner): void {
  owner.bodyOver();
}

const SOURCE = Symbol('source');

interface FedMessage extends IncomingMessage {
  [SOURCE]?: NodeRequest;
}

function readSource(this: FedMessage): void {
  this[SOURCE]?.read();
}

/** From now on the message has these headers (flat), in all of its three forms. */
export function showHeaders(message: IncomingMessage, flat: readonly string[]): void {
  const made = new IncomingMessage(message.socket);
  addHeaderLines(made, flat.slice());
  message.rawHeaders = made.rawHeaders;
  message.headers = made.headers;
  message.headersDistinct = made.headersDistinct;
}
