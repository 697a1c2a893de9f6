import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Fault } from '../contract/fault.ts';
import type { IncomingRequest, NodeObjects, NodePair, NodeView, PairOwner } from '../contract/http-message.ts';
import {
  attachSocket,
  currentResponse,
  detachAttached,
  detachSignal,
  emitClose,
  emitDrain,
  isLastResponse,
  markFinished,
  setKeepAliveMs,
} from './node-insides.ts';
import { NodeRequest, type NodeRequestOwner } from './node-request.ts';
import { type NodeConnection, NodeResponse } from './node-response.ts';

/** The connection of a pair. */
export interface PairConnection {
  readonly socket: Socket;
  readonly rules: { readonly keepAliveMs: number };
  /** Called once, when the head is sent: whether the client may send a further request. `endsNow`: it is sent with all of the response; an unread body is discarded. */
  decideKeepAlive(endsNow: boolean): boolean;
  /** Cuts the connection; `byReset` where a normal end would look like the end of the body. */
  cut(byReset: boolean): void;
  handOver(): { readonly socket: Socket; readonly head: Buffer };
}

/** The response of the connection that is written through the pair. */
export interface PairedResponse {
  /** The connection is closed after it. */
  readonly closes: boolean;
  /** The kernel has accepted all of it. */
  nodeSent(): void;
  /**
   * Sends a whole response, one character a byte, and calls `sent` of the pair in a later tick when the kernel has accepted it. With `mayWait` it is sent at the end
   * of the turn of the event loop, if many are; then `sentInRow` is called. Absent: Node writes to the socket.
   */
  sendText?(text: string, mayWait: boolean): void;
  /** Sends a text that waits. */
  send?(): void;
  /** The kernel has accepted all of it, and code reads no more of the request. `closes`: the connection is closed. */
  nodeEnded(closes: boolean): void;
}

export interface ConnectionPairParts {
  readonly connection: PairConnection;
  readonly paired: PairedResponse;
  readonly request: IncomingRequest;
  /** Becomes `url`. */
  readonly target: string;
  readonly owner: PairOwner;
}

/**
 * Node's own request and response for one request of a client connection. Node frames the response and writes it to the client's socket. This class does
 * the rest of the work of Node's server. Then the connection reads the next request.
 */
export class ConnectionPair implements NodePair, NodeConnection, NodeRequestOwner {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly view: NodeView;
  readonly #connection: PairConnection;
  readonly #owner: PairOwner;
  readonly #paired: PairedResponse;
  readonly #source: NodeRequest;
  readonly #sink: NodeResponse;
  readonly sendsWhole: boolean;
  #isFinished = false;
  #isLast = false;
  #isSentByNode = false;

  constructor({ connection, paired, request, target, owner }: ConnectionPairParts) {
    const { socket, rules } = connection;
    const objects = owner.nodeObjects ?? PLAIN_OBJECTS;
    const source = new NodeRequest({ request, target, owner: this, objects });
    const response = objects.createResponse(source.message);
    setKeepAliveMs(response, rules.keepAliveMs);
    this.sendsWhole = paired.sendText !== undefined;
    if (this.sendsWhole) attachSocket(response, socket);
    else response.assignSocket(socket);
    const sink = new NodeResponse({ response, request, connection: this });
    sink.ownedBy(owner);
    if (paired.closes) sink.closeBehind();
    // Node's own default for HTTP/1.0 is to close.
    else response.shouldKeepAlive = true;
    watchSocket(socket);
    this.request = source.message;
    this.response = response;
    this.view = { pair: this, request: source, response: sink };
    this.#connection = connection;
    this.#owner = owner;
    this.#paired = paired;
    this.#source = source;
    this.#sink = sink;
  }

  mute(onLate?: () => void): void {
    this.#sink.mute(onLate);
  }

  decideKeepAlive(): boolean {
    return this.#connection.decideKeepAlive(false);
  }

  cut(byReset: boolean): void {
    // A whole response that waits.
    if (this.response.writableEnded) this.#paired.send?.();
    if (!this.#sink.isClosed) this.#connection.cut(byReset);
  }

  sentByNode(): void {
    if (this.#isSentByNode) return;
    this.#isSentByNode = true;
    this.response.prependListener('finish', () => this.#onFinish());
  }

  sendWhole(text: string): void {
    const { response } = this;
    const isLast = isLastResponse(response) || this.#sink.closes;
    // Listeners run in the asynchronous context of the code that has ended the response.
    const mayWait = !isLast && !isHeard(response);
    if (mayWait) (this.#connection.socket as PairSocket)[WAITING] = this.#paired;
    this.#paired.sendText?.(text, mayWait);
  }

  /** The kernel has accepted all of the response that `sendText` got. As in Node, errors of late writes are emitted before the response is closed. */
  sent(): void {
    if (!this.#finishSent()) return;
    process.nextTick(end, this);
    this.response.emit('finish');
  }

  /** The same in a later turn, while others are sent: code of the site is called later. */
  sentInRow(): void {
    if (isHeard(this.response)) process.nextTick(sent, this);
    else if (this.#finishSent()) this.end();
  }

  #finishSent(): boolean {
    if (this.#isFinished || this.#sink.isClosed) return false;
    markFinished(this.response);
    this.#finish();
    return true;
  }

  takeOver(): { readonly socket: Socket; readonly head: Buffer } {
    const { request } = this;
    const taken = this.#connection.handOver();
    this.#isFinished = true;
    this.#detach(taken.socket);
    taken.socket.off('timeout', onTimeout);
    (request as { upgrade?: boolean }).upgrade = true;
    taken.socket.once('close', () => this.#sink.close(true));
    return taken;
  }

  /** The connection accepts bytes again. */
  drained(): void {
    emitDrain(this.response);
  }

  clientEnded(): void {
    this.#sink.clientEnded();
  }

  closeBehind(): void {
    this.#sink.closeBehind();
  }

  /** The connection closed before the response was complete. Where Node attached the response to the socket, it emits `close` of the response itself. */
  closed(): void {
    this.#source.abort();
    this.#sink.close(false);
    if (this.sendsWhole && !this.#isFinished) emitClose(this.response);
  }

  bodyFailed(fault: Fault): void {
    if (this.#isFinished) {
      // Nothing answers it any more; code that still reads gets an error when the connection is closed.
      const { socket } = this.#connection;
      if (socket.destroyed) this.#source.abort();
      else socket.once('close', () => this.#source.abort());
    } else if (fault.code === 'client_left') this.#source.abort();
    else if (!this.#owner.failPair(fault)) this.#sink.abort();
  }

  bodyOver(): void {
    this.#paired.nodeEnded(this.#isLast);
  }

  /** As Node's server does when a response is complete (_http_server.js, resOnFinish). */
  #onFinish(): void {
    if (this.#isFinished) return;
    this.#finish();
    process.nextTick(end, this);
  }

  #finish(): void {
    const { socket } = this.#connection;
    this.#isFinished = true;
    this.#isLast = isLastResponse(this.response) || this.#sink.closes;
    detachSignal(this.request);
    this.#detach(socket);
    if (socket.timeout) socket.setTimeout(0);
    this.#source.drop(this.#isLast);
  }

  #detach(socket: PairSocket): void {
    if (this.sendsWhole) detachAttached(this.response, socket);
    else this.response.detachSocket(socket);
    socket[WAITING] = undefined;
  }

  /** After the `finish` listeners of the site. */
  end(): void {
    this.#paired.nodeSent();
    this.#sink.close(true);
    try {
      emitClose(this.response);
    } finally {
      if (this.#source.release()) this.bodyOver();
    }
  }
}

const PLAIN_OBJECTS: NodeObjects = {
  createRequest: (socket) => new IncomingMessage(socket),
  createResponse: (request) => new ServerResponse(request),
};

const BELOW = Symbol('below');
const WAITING = Symbol('waiting');

interface PairSocket extends Socket {
  /** Its methods before `watchSocket`. */
  [BELOW]?: Pick<Socket, 'destroy' | 'end'>;
  /** The response that is held, or was. */
  [WAITING]?: PairedResponse | undefined;
}

/**
 * Once for a connection: a listener that comes and goes with each request costs as much as a small header. Without a response the connection has no timeout. Code that ends its
 * response may close the socket in the same turn, also by `destroy` of request or response: as with node:http, the client gets the response.
 */
function watchSocket(socket: PairSocket): void {
  if (socket[BELOW]) return;
  const { destroy, end } = socket;
  socket[BELOW] = { destroy, end };
  socket[WAITING] = undefined;
  socket.destroy = destroyAfterResponse;
  socket.end = endAfterResponse;
  socket.on('timeout', onTimeout);
}

function destroyAfterResponse(this: PairSocket, error?: Error): PairSocket {
  this[WAITING]?.send?.();
  return Reflect.apply((this[BELOW] ?? Socket.prototype).destroy, this, [error]);
}

function endAfterResponse(this: PairSocket, ...given: unknown[]): PairSocket {
  this[WAITING]?.send?.();
  return Reflect.apply((this[BELOW] ?? Socket.prototype).end, this, given);
}

/** Set by code of the site (_http_server.js, socketOnTimeout). */
function onTimeout(this: Socket): void {
  const response = currentResponse(this);
  const { req: request } = response ?? {};
  const isHandled = request && !request.complete && request.emit('timeout', this);
  if (!response?.emit('timeout', this) && !isHandled) this.destroy();
}

function isHeard(response: ServerResponse): boolean {
  return response.listenerCount('finish') > 0 || response.listenerCount('close') > 0;
}

function sent(pair: ConnectionPair): void {
  pair.sent();
}

function end(pair: ConnectionPair): void {
  pair.end();
}
