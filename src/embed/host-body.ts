import type { IncomingMessage } from 'node:http';
import { Fault } from '../contract/fault.ts';
import { GrowingBytes } from '../contract/growing-bytes.ts';
import type { BodySink, BodySource, PairOwner } from '../contract/http-message.ts';

/** On a message of whose body only the beginning was read: nexthop may be mounted twice in one host. */
const PEEKED = Symbol('peeked');

/** The body of a host's request. */
export class HostBody implements BodySource {
  readonly announcedBytes: number;
  isStarted = false;
  receivedBytes = 0;
  fault: Fault | undefined;
  readonly #message: IncomingMessage;
  #limit = 0;
  #sink: BodySink | undefined;
  #owner: PairOwner | undefined;

  constructor(message: IncomingMessage) {
    this.#message = message;
    const { 'transfer-encoding': coding, 'content-length': length } = message.headers;
    this.announcedBytes = coding === undefined ? Number(length ?? 0) : -1;
  }

  get isComplete(): boolean {
    return this.announcedBytes === 0 || (this.#message.complete && this.#message.readableLength === 0);
  }

  get isAwaited(): boolean {
    return !this.isComplete && this.#message.readableLength === 0;
  }

  get trailers(): readonly string[] {
    return this.#message.rawTrailers;
  }

  limit(bytes: number): void {
    if (bytes > 0 && (this.#limit === 0 || bytes < this.#limit)) this.#limit = bytes;
    if (this.#isTooMuch(Math.max(this.announcedBytes, this.receivedBytes))) throw new Fault('body_too_large');
  }

  async peek(isEnough: (content: Buffer) => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const content = new GrowingBytes();
      const onData = (piece: Buffer): void => {
        const all = content.add(piece);
        if (this.receivedBytes >= this.announcedBytes || isEnough(all)) resolve(this.#giveBack(all));
      };
      this.start({ onData, onEnd: () => resolve(content.all), onFailure: reject });
    });
  }

  start(sink: BodySink): void {
    if (this.isStarted) throw new Error('a body was started a second time');
    this.isStarted = true;
    const message = this.#message;
    if (this.announcedBytes === 0) {
      sink.onEnd();
      return;
    }
    this.#sink = sink;
    if (message.readableAborted) this.#fail(new Fault('client_left'));
    else if (message.readableDidRead && !(PEEKED in message)) this.#fail(readBefore());
    else if (message.destroyed) this.#fail(tooLate());
    else message.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onLost);
  }

  pause(): void {
    if (this.#sink) this.#message.pause();
  }

  resume(): void {
    if (this.#sink) this.#message.resume();
  }

  discard(): void {
    this.#stop();
    this.#message.resume();
  }

  /** Code of the site reads the message itself: what it gets is counted and limited. Node's parser gives each chunk to `push`. */
  watch(owner: PairOwner): void {
    const message = this.#message;
    if (this.announcedBytes === 0 || this.#owner) return;
    this.#owner = owner;
    this.receivedBytes = message.readableLength;
    const { push } = message;
    // True keeps the parser reading, so that the connection can close normally.
    message.push = (chunk: Buffer | null) => this.#isRefused(chunk) || push.call(message, chunk);
  }

  /** The message is the host's again. */
  giveBack(): void {
    if (this.#owner) Reflect.deleteProperty(this.#message, 'push');
  }

  /**
   * The response is whole. The rest of the body precedes the next request on the connection, so it is dropped unless a reader still reads. Such a reader
   * may be between two reads, but not for a whole turn of the event loop.
   */
  release(): void {
    if (this.#sink) setImmediate(() => this.#message.isPaused() && this.#fail(tooLate()));
  }

  readonly #onData = (chunk: Buffer): void => {
    this.receivedBytes += chunk.length;
    if (this.#isTooMuch(this.receivedBytes)) this.#fail(new Fault('body_too_large'));
    else this.#sink?.onData(chunk);
  };

  readonly #onEnd = (): void => {
    const sink = this.#sink;
    this.#stop();
    sink?.onEnd();
  };

  readonly #onLost = (): void =>
    this.#fail(new Fault('client_left', { message: 'the client left before its body was complete' }));

  #isTooMuch(bytes: number): boolean {
    return this.#limit > 0 && bytes > this.#limit;
  }

  #isRefused(chunk: Buffer | null): boolean {
    if (this.fault) return true;
    if (chunk === null) return false;
    this.receivedBytes += chunk.length;
    if (!this.#isTooMuch(this.receivedBytes)) return false;
    this.fault = new Fault('body_too_large');
    this.#owner?.failPair(this.fault);
    return true;
  }

  #fail(fault: Fault): void {
    const sink = this.#sink;
    if (!sink) return;
    this.fault = fault;
    this.discard();
    sink.onFailure(fault);
  }

  /** In the same step in which Node gave the last piece: afterwards the message may have ended, and takes nothing back. */
  #giveBack(content: Buffer): Buffer {
    const message = this.#message;
    this.#stop();
    this.isStarted = false;
    Reflect.set(message, PEEKED, true);
    this.receivedBytes = 0;
    message.pause();
    message.unshift(content);
    // Paused by code, it would not flow for the next listener of `data`.
    (message as { readableFlowing: boolean | null }).readableFlowing = null;
    return content;
  }

  #stop(): void {
    this.#sink = undefined;
    this.#message.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onLost);
  }
}

function readBefore(): Fault {
  const remedy = 'mount nexthop before body parsers such as express.json()';
  return new Fault('internal', { message: `the body of the request was read before nexthop received it: ${remedy}` });
}

function tooLate(): Fault {
  return new Fault('client_left', { message: 'the response is complete, and the rest of the body was dropped' });
}
