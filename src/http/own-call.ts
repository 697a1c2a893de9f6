import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type {
  BodySink,
  BodySource,
  Content,
  IncomingRequest,
  NodeView,
  PairOwner,
  RequestHandler,
  ResponseListener,
  ResponseSink,
} from '../contract/http-message.ts';
import type { OwnCall } from '../contract/own-calls.ts';
import { ConnectionPair } from '../wire/node-pair.ts';

/** See `OwnCalls.send`. */
export function sendOwnCall(handler: RequestHandler, call: OwnCall): Promise<number> {
  const socket = new NoSocket() as Duplex as Socket; // has the members that are read
  const { signal } = call;
  return new Promise((resolve, reject) => {
    const response = new DroppedResponse(socket, (isWhole, status) => {
      signal.removeEventListener('abort', cut);
      if (isWhole) resolve(status);
      else reject(signal.aborted ? signal.reason : new Error(`the response was cut; its status was ${status}`));
    });
    const cut = (): void => response.abort();
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener('abort', cut);
    handler.handle(new OwnRequest(call, socket), response);
  });
}

/** The connection of a request that no client sent. */
class NoSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 0;
  readonly bytesWritten = 0;

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }
}

class OwnRequest implements IncomingRequest {
  readonly isOwn = true;
  readonly method: string;
  readonly target: string;
  readonly minor = 1;
  readonly host: string;
  readonly hasUnderscoreName = false;
  readonly connection = undefined;
  readonly upgrade = undefined;
  readonly body: BodySource;
  readonly socket: Socket;
  headers: readonly string[];

  constructor({ method, target, host, headers, content }: OwnCall, socket: Socket) {
    this.method = method;
    this.target = target;
    this.host = host;
    const length = content.length > 0 || method !== 'GET' ? ['Content-Length', String(content.length)] : [];
    this.headers = ['Host', host, ...headers, ...length];
    this.body = new WholeBody(Buffer.from(content));
    this.socket = socket;
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.headers = headers;
  }
}

/** A body that is known before it is read. */
class WholeBody implements BodySource {
  readonly announcedBytes: number;
  readonly trailers: readonly string[] = [];
  isStarted = false;
  isComplete: boolean;
  fault: Fault | undefined;
  readonly #content: Buffer;
  #sink: BodySink | undefined;
  #isPaused = false;

  constructor(content: Buffer) {
    this.#content = content;
    this.announcedBytes = content.length;
    this.isComplete = content.length === 0;
  }

  get receivedBytes(): number {
    return this.isComplete ? this.announcedBytes : 0;
  }

  readonly isAwaited = false;

  limit(bytes: number): void {
    if (bytes > 0 && this.announcedBytes > bytes) throw new Fault('body_too_large');
  }

  async peek(): Promise<Buffer> {
    return this.#content;
  }

  start(sink: BodySink): void {
    if (this.isStarted) throw new Error('a body was started a second time');
    this.isStarted = true;
    this.#sink = sink;
    this.#give();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#give();
  }

  discard(): void {
    this.#sink = undefined;
  }

  #give(): void {
    const sink = this.#sink;
    if (!sink || this.#isPaused) return;
    if (!this.isComplete) {
      this.isComplete = true;
      sink.onData(this.#content);
    }
    if (this.#isPaused || !this.#sink) return;
    this.#sink = undefined;
    sink.onEnd();
  }
}

/** Notes the status of a response and drops its content. */
class DroppedResponse implements ResponseSink {
  status = 0;
  isEnded = false;
  isClosed = false;
  sentBytes = 0;
  readonly needsDrain = false;
  /** For `ConnectionPair`. */
  readonly closes = true;
  readonly #socket: Socket;
  readonly #onClosed: (isWhole: boolean, status: number) => void;
  #listener: ResponseListener | undefined;
  #pair: ConnectionPair | undefined;

  constructor(socket: Socket, onClosed: (isWhole: boolean, status: number) => void) {
    this.#socket = socket;
    this.#onClosed = onClosed;
  }

  get isHeadWritten(): boolean {
    return this.status !== 0;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.isEnded);
  }

  inform(): void {}

  head(status: number): void {
    if (this.isHeadWritten) throw new Error('the head of a response was written a second time');
    this.status = status;
  }

  write(content: Content): boolean {
    this.sentBytes += Buffer.byteLength(content);
    return true;
  }

  end(content: Content = ''): void {
    if (this.isClosed) return;
    this.write(content);
    this.isEnded = true;
    this.#close(true, this.status);
  }

  closeBehind(): void {}

  abort(): void {
    this.#close(false, this.#pair ? this.#pair.view.response.status : this.status);
  }

  takeOver(): never {
    throw new Error('a request of nexthop itself opens no WebSocket');
  }

  toNode(request: IncomingRequest, target: string, owner: PairOwner): NodeView {
    const connection = {
      socket: this.#socket,
      rules: { keepAliveMs: 0 },
      decideKeepAlive: () => false,
      cut: () => this.abort(),
      handOver: () => this.takeOver(),
    };
    this.#pair = new ConnectionPair({ connection, paired: this, request, target, owner });
    const { view } = this.#pair;
    if (this.#listener) view.response.listen(this.#listener);
    return view;
  }

  nodeSent(): void {
    this.isEnded = true;
    const { status } = this.#pair?.view.response ?? this;
    this.#close(true, status);
  }

  nodeEnded(): void {}

  #close(isWhole: boolean, status: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // The pair closes its own response, which the listener belongs to.
    if (!this.#pair) this.#listener?.closed(isWhole);
    else if (!isWhole) this.#pair.closed();
    this.#onClosed(isWhole, status);
  }
}
