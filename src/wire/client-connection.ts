import type { Socket } from 'node:net';
import { Fault } from '../contract/fault.ts';
import { type ClientBody, createClientBody } from './client-body.ts';
import { ClientRequest } from './client-request.ts';
import { ClientResponse, type ResponseConnection } from './client-response.ts';
import type { ClientRules } from './client-rules.ts';
import { HeadCutter } from './head-cutter.ts';
import { Lingering } from './lingering.ts';
import { MessageFault } from './message-fault.ts';
import { MessageWriter } from './message-writer.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { type ReadListener, SocketReads } from './socket-reads.ts';
import { WatchedSocket } from './watched-socket.ts';

/** Bytes that may wait while a request is in progress; then the socket is paused. */
const MOST_WAITING_BYTES = 64 * 1024;
/** Of a body that no code has read: up to this size it is discarded to keep the connection, and a longer one closes it. */
const MOST_DROPPED_BYTES = 64 * 1024;

/** `idle`: no byte of a next request has arrived. `head`: a part of its head has. `answering`: one request is in progress. `over`: no more is read. */
type Phase = 'idle' | 'head' | 'answering' | 'over';

/** One connection of a client: reads one request after the other. The next head is read only after the previous response has been written. */
export class ClientConnection extends WatchedSocket implements ResponseConnection, ReadListener {
  readonly writer: MessageWriter;
  readonly rules: ClientRules;
  readonly #reads = new SocketReads();
  readonly #input: ReceivedBytes;
  readonly #cutter: HeadCutter;
  #phase: Phase = 'idle';
  #body: ClientBody | undefined;
  #response: ClientResponse | undefined;
  #awaitsContinue = false;
  #isReading = false;
  #isReadingBody = false;
  /** The client sent its FIN. */
  #isEnded = false;
  /** Bytes from the client are discarded. */
  #isDeaf = false;

  constructor(socket: Socket, rules: ClientRules) {
    super(socket, rules.deadlines);
    this.rules = rules;
    this.#input = new ReceivedBytes(socket);
    this.writer = new MessageWriter(socket);
    this.#cutter = new HeadCutter(rules.cutting);
    rules.list.add(this);
    // An error is followed by `close`.
    socket.on('error', () => undefined);
    this.#reads.beginAccepted(socket, this);
    socket.on('end', this.#onEnd).on('drain', this.#onDrain).on('close', this.#onClose);
  }

  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  decideKeepAlive(endsNow: boolean): boolean {
    const body = this.#body;
    // Discarding the waiting bytes of an unread body costs nothing.
    if (endsNow && body?.isUnread && !this.#awaitsContinue) body.discard();
    if (this.rules.list.isDraining || this.#isDeaf || this.#awaitsContinue) return false;
    if (this.#isEnded && this.#input.size === 0) return false;
    return body === undefined || body.restBytes <= MOST_DROPPED_BYTES;
  }

  allowedTicks(): number {
    const { headTicks, keepAliveTicks, idleTicks } = this.rules;
    if (this.#phase === 'over') return 0;
    if (this.isWriteWaiting()) return idleTicks;
    if (this.#phase === 'idle') return keepAliveTicks;
    if (this.#phase === 'head') return headTicks;
    // A function or a next hop that makes no progress has its own timeout.
    return this.#awaitsBody() ? idleTicks : 0;
  }

  expire(): void {
    if (this.socket.writableLength > 0 || this.#phase === 'idle') this.socket.destroy();
    else if (this.#phase === 'head') this.#refuse(new Fault('request_timeout'));
    else if (this.#phase === 'answering') this.#failBody(new Fault('request_timeout'));
  }

  /** Also within the handler of the body's request; then it reads at once. */
  readOn(): void {
    this.move();
    this.#readBody();
    if (!this.#isReading) this.#read();
  }

  admitBody(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    if (!this.#response?.isHeadWritten) this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  responseEnded(response: ClientResponse): void {
    if (response !== this.#response) return;
    if (response.closes || this.#isDeaf) this.#linger();
    else if (!this.#body || this.#body.isReceived) this.#await();
    // Little is left, or the response would close the connection; the next request begins after it.
    else this.#body.release();
  }

  cut(byReset: boolean): void {
    // With TLS the client detects a cut by itself, and there is no reset.
    if (byReset && !this.rules.encrypted) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  handOver(): { readonly socket: Socket; readonly head: Buffer } {
    if (this.#phase !== 'answering' || this.#body || this.socket.destroyed) {
      throw new Error('a connection without a request, or with a body, was taken over');
    }
    const head = this.#input.takeAll();
    this.#leave();
    return { socket: this.socket.pause(), head };
  }

  closeIfIdle(): void {
    if (this.#phase === 'idle') this.socket.destroySoon();
  }

  #awaitsBody(): boolean {
    return (this.#body?.isFlowing || this.#response?.isSent) === true && this.#body?.isReceived === false;
  }

  get isReceiving(): boolean {
    return this.#body?.isReceived === false;
  }

  received(bytes: Buffer): void {
    if (this.#isDeaf) return;
    if (this.#awaitsBody()) this.move();
    this.#input.add(bytes);
    this.#read();
    this.#input.keep();
  }

  /** Reads the waiting bytes, as far as they may be read now. It is not re-entrant. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.#isDeaf && this.#phase !== 'over' && this.#input.next() && this.#step());
    this.#isReading = false;
    if (this.#isEnded) this.#endIfRead();
    // While a body is paused, only bytes that have already arrived wait.
    this.#input.regulate(this.#body?.isPaused === true ? 1 : MOST_WAITING_BYTES);
  }

  /** Reads one piece of a head, or a run of a body. False if nothing may be read now. */
  #step(): boolean {
    if (this.#phase === 'answering') return this.#readBody();
    // No further request is read from a client that does not read its responses.
    if (this.socket.writableNeedDrain) return false;
    const input = this.#input;
    try {
      const end = this.#cutter.push(input.chunk, input.at);
      input.at = end < 0 ? input.chunk.length : end;
      if (end >= 0) this.#begin(this.#cutter.text);
      else if (this.#phase === 'idle' && this.#cutter.isPartial) {
        this.#phase = 'head';
        this.move();
      }
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  /** True if it read anything. */
  #readBody(): boolean {
    const [body, input] = [this.#body, this.#input];
    if (!body || this.#isReadingBody) return false;
    // A sink may keep the bytes that it gets.
    input.keep();
    this.#isReadingBody = true;
    let hasRead = false;
    try {
      while (body.isFlowing && !body.isReceived && input.next()) {
        const { chunk } = input;
        const at = body.read(chunk, input.at);
        // The handler may have discarded all waiting bytes meanwhile.
        if (input.chunk === chunk) input.at = at;
        hasRead = true;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isReadingBody = false;
    }
    if (body === this.#body && body.isReceived && this.#response?.isEnded) this.#await();
    return hasRead;
  }

  #begin(text: string): void {
    const request = new ClientRequest(text, this.rules, this.socket);
    this.#body = createClientBody(request.bodyBytes, this.rules, this);
    if (this.#body) request.body = this.#body;
    this.#awaitsContinue = request.expectsContinue;
    this.#phase = 'answering';
    this.move();
    const response = new ClientResponse(this, request.method, request.minor, !request.keepsAlive);
    response.mayBeHeld = this.#body === undefined;
    this.#response = response;
    this.rules.handler.handle(request, response);
    response.handlerReturned();
  }

  #await(): void {
    this.#phase = 'idle';
    this.#body = undefined;
    this.#response = undefined;
    this.move();
    if (this.rules.list.mayCloseIdle && this.#input.size === 0) this.closeIfIdle();
    else if (this.#input.size > 0 || this.#isEnded) this.#read();
  }

  #fail(error: unknown): void {
    // A handler that throws has not answered.
    if (!(error instanceof MessageFault)) this.socket.destroy();
    else if (this.#phase === 'answering') this.#failBody(error);
    else this.#refuse(error);
  }

  /** The rest of the body will not arrive; the handler may still answer, and then the connection is closed. */
  #failBody(fault: Fault): void {
    const body = this.#body;
    this.#deafen();
    if (this.#response?.isEnded) this.#linger();
    else body?.fail(fault);
  }

  /** Handles no more bytes of this connection; its response is the last one. */
  #deafen(): void {
    this.#isDeaf = true;
    this.#input.clear();
    this.#response?.closeBehind();
  }

  /** For bytes that are no request: the handler writes the reason, and the connection is closed. */
  #refuse(fault: Fault): void {
    this.#deafen();
    this.#phase = 'answering';
    this.#body = undefined;
    const response = new ClientResponse(this, '', 1, true);
    this.#response = response;
    this.rules.handler.refuse(fault, response, this.#cutter.received, this.socket);
    response.handlerReturned();
  }

  #linger(): void {
    const body = this.#body;
    this.#leave();
    body?.fail(new Fault('client_left'));
    new Lingering(this.socket, this.rules, this.#isEnded).start();
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    this.#read();
    if (this.#phase === 'answering') this.#response?.clientEnded();
  };

  /** The client will send nothing more: an incomplete request stays incomplete, a complete one is answered. */
  #endIfRead(): void {
    const body = this.#body;
    if (this.#phase === 'answering') {
      if (!body || body.isReceived || body.mayEndIn(this.#input)) return;
      this.#failBody(new Fault('client_left', { message: 'the client ended before its whole body arrived' }));
      this.socket.destroy();
    } else if (this.#input.size > 0) return;
    else if (this.#phase === 'idle') this.socket.destroySoon();
    else if (this.#phase === 'head') this.#refuse(new MessageFault('unfinished_head', 'request'));
  }

  readonly #onDrain = (): void => {
    this.move();
    this.#response?.drained();
    this.#read();
  };

  readonly #onClose = (): void => {
    const [body, response] = [this.#body, this.#response];
    this.#leave();
    body?.fail(new Fault('client_left'));
    response?.close(false);
  };

  #leave(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#body = undefined;
    this.#response = undefined;
    this.#input.clear();
    this.#reads.end();
    this.socket.off('end', this.#onEnd).off('drain', this.#onDrain).off('close', this.#onClose);
    this.rules.list.remove(this);
  }
}
