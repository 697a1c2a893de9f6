import { connect } from 'node:net';
import { Fault } from '../contract/fault.ts';
import type { Content } from '../contract/http-message.ts';
import type { BodyReader } from './body-reader.ts';
import { createBodyReader } from './create-body-reader.ts';
import { HeadCutter } from './head-cutter.ts';
import { MessageFault } from './message-fault.ts';
import { MessageWriter } from './message-writer.ts';
import type { CallConnection, OriginCall } from './origin-call.ts';
import { toOriginFault } from './origin-fault.ts';
import type { OriginRules } from './origin-rules.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { checkStatusLine, ResponseHead } from './response-head.ts';
import { type ReadListener, SocketReads } from './socket-reads.ts';
import { WatchedSocket } from './watched-socket.ts';

/** No normal origin sends so many interim responses; each is sent to the client without back-pressure. */
const MOST_INTERIMS = 16;
const CUTTING = { side: 'response', skipsEmptyLine: false, checkFirstLine: checkStatusLine } as const;

export interface ConnectionOwner {
  connectionFreed(connection: OriginConnection): void;
  /** Called once. `call`: the call in progress, and why it failed; undefined if there was none, or it was aborted. */
  connectionLost(connection: OriginConnection, call: OriginCall | undefined, error: unknown): void;
}

/** One connection to an origin, for one call at a time. */
export class OriginConnection extends WatchedSocket implements CallConnection, ReadListener {
  address = '';
  /** It is not reused any more; the call in progress is finished. */
  isRetired = false;
  /** Number of responses received on it; above 0 the connection is reused. */
  responses = 0;
  isOpen = false;
  readonly #rules: OriginRules;
  readonly #owner: ConnectionOwner;
  readonly #reads: SocketReads;
  readonly #writer: MessageWriter;
  readonly #input: ReceivedBytes;
  readonly #cutter: HeadCutter;
  #call: OriginCall | undefined;
  #head: ResponseHead | undefined;
  #body: BodyReader | undefined;
  #interims = 0;
  #keepAliveTicks: number;
  #isReading = false;
  #isEnded = false;
  #isLost = false;
  #error: unknown;

  /** Connects at once, for the call. The name is resolved by getaddrinfo, so `/etc/hosts` is read first. */
  constructor(rules: OriginRules, owner: ConnectionOwner, call: OriginCall) {
    const reads = new SocketReads();
    const { host, port } = rules;
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: false, onread: reads.onread });
    super(socket, rules.deadlines);
    this.#reads = reads;
    reads.begin(socket, this);
    this.#rules = rules;
    this.#owner = owner;
    this.#call = call;
    call.connection = this;
    this.#keepAliveTicks = rules.keepAliveTicks;
    this.#writer = new MessageWriter(socket);
    this.#input = new ReceivedBytes(socket);
    this.#cutter = new HeadCutter({ ...CUTTING, maxBytes: rules.maxHeadBytes });
    rules.deadlines.add(this);
    socket.on('connect', this.#onConnect).on('end', this.#onEnd);
    socket.on('drain', this.#onDrain).on('error', this.#onError).on('close', this.#onClose);
  }

  /** It has been idle for as long as it may be. */
  get isStale(): boolean {
    return this.isRetired || this.#isLost || this.deadlines.now - this.movedAt >= this.#keepAliveTicks;
  }

  /** Sends the request of the call. The connection is open and has no other call. */
  carry(call: OriginCall): void {
    this.#call = call;
    call.connection = this;
    call.address = this.address;
    this.#interims = 0;
    this.move();
    if (call.isSent) this.socket.write(call.request.headText, 'latin1');
    else {
      this.#writer.begin(call.request.headText, call.request.bodyBytes);
      call.handler.connected(call);
      this.#writer.flush();
    }
  }

  write(content: Content): boolean {
    this.move();
    return this.#writer.write(content);
  }

  finish(content: Content): void {
    this.move();
    if (!this.#writer.end(content, '')) {
      this.lose(new Fault('internal', { message: 'the body is shorter than its announced length' }));
    }
  }

  readOn(): void {
    this.move();
    this.#read();
  }

  abort(): void {
    this.#call = undefined;
    this.lose(undefined, true);
  }

  allowedTicks(): number {
    const { connectTicks, firstByteTicks, idleTicks } = this.#rules;
    const call = this.#call;
    if (!this.isOpen) return connectTicks;
    if (!call) return this.#keepAliveTicks;
    const isWriteWaiting = this.isWriteWaiting();
    if (this.#head) return call.isPaused || call.mayBeSilent ? 0 : idleTicks;
    // While the client has not sent its body the origin has nothing to answer; the client has a separate timeout.
    return call.isSent || isWriteWaiting ? firstByteTicks : 0;
  }

  expire(): void {
    if (!this.#call) this.lose(undefined);
    else {
      const { host, port } = this.#rules;
      const missing = this.#head ? 'the rest of the response' : this.isOpen ? 'a response' : 'a connection';
      this.lose(new Fault('hop_timeout', { message: `waited too long for ${missing} of ${host}:${port}` }));
    }
  }

  readonly #onConnect = (): void => {
    const { remoteAddress = '', remoteFamily, remotePort } = this.socket;
    this.address = `${remoteFamily === 'IPv6' ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
    this.isOpen = true;
    if (this.#call) this.carry(this.#call);
  };

  get isReceiving(): boolean {
    return this.#body !== undefined;
  }

  received(bytes: Buffer): void {
    const call = this.#call;
    // RFC 9112 9.2: bytes without a request are no response.
    if (!call) this.lose(undefined);
    else {
      call.hasResponse = true;
      this.move();
      this.#input.add(bytes);
      this.#read();
      this.#input.keep();
    }
  }

  #read(): void {
    if (this.#isReading || this.#isLost) return;
    this.#isReading = true;
    try {
      while (this.#call && !this.#call.isPaused && this.#input.next()) this.#step(this.#call);
      if (this.#isEnded && this.#call && !this.#call.isPaused) this.#endOfInput(this.#call);
    } catch (error) {
      this.lose(error instanceof Fault ? error : new Fault('internal', { cause: error }));
    } finally {
      this.#isReading = false;
    }
    if (this.#head) this.#call?.handler.waiting?.();
    this.#input.regulate(1);
  }

  #step(call: OriginCall): void {
    const input = this.#input;
    const { chunk } = input;
    if (this.#body) {
      const body = this.#body;
      input.at = body.advance(chunk, input.at);
      if (body.to > body.from) call.handler.data(chunk.subarray(body.from, body.to));
      // The handler may have aborted the call, or paused it before its end.
      if (body.isComplete && this.#call === call) this.#complete(call, body.trailers);
      return;
    }
    const end = this.#cutter.push(chunk, input.at);
    input.at = end < 0 ? chunk.length : end;
    if (end < 0) return;
    const { maxHeaders } = this.#rules;
    this.#takeHead(call, new ResponseHead(this.#cutter.text, { method: call.request.method, maxHeaders }));
  }

  #takeHead(call: OriginCall, head: ResponseHead): void {
    const { status, bodyBytes } = head;
    if (status === 101) this.#upgrade(call, head);
    else if (status < 200) {
      if (++this.#interims > MOST_INTERIMS) throw new MessageFault('too_many_interims', 'response');
      // A 100 was not requested: Expect is never sent to the origin.
      if (status !== 100) call.handler.interim(head);
    } else {
      this.#head = head;
      call.handler.head(head);
      if (this.#call !== call) return;
      if (bodyBytes === 0) this.#complete(call, []);
      else {
        const { maxHeadBytes: maxTrailerBytes, maxHeaders } = this.#rules;
        this.#body = createBodyReader({ bodyBytes, side: 'response', maxTrailerBytes, maxHeaders });
      }
    }
  }

  #upgrade(call: OriginCall, head: ResponseHead): void {
    if (!call.request.mayUpgrade) throw new MessageFault('unasked_upgrade', 'response');
    const early = this.#input.takeAll();
    this.#call = undefined;
    call.finish();
    this.#leave();
    this.#owner.connectionLost(this, undefined, undefined);
    call.handler.upgraded(head, this.socket.pause(), early);
  }

  /** The response is complete. Bytes after it belong to no response: the connection is closed, and they reach no client. */
  #complete(call: OriginCall, trailers: readonly string[]): void {
    const head = this.#head as ResponseHead; // of this response
    const mayReuse =
      head.keepsAlive &&
      call.isSent &&
      this.#input.size === 0 &&
      !this.#isEnded &&
      this.#limitIdle(head) &&
      !this.isRetired;
    this.#call = undefined;
    this.#head = undefined;
    this.#body = undefined;
    call.finish();
    this.responses++;
    this.move();
    if (mayReuse) this.#owner.connectionFreed(this);
    else this.lose(undefined);
    call.handler.end(trailers);
  }

  /** An origin that says how long it keeps the connection closes it then, and a request on its way would be lost. False: the time is too short. */
  #limitIdle({ keepAliveSeconds }: ResponseHead): boolean {
    if (keepAliveSeconds === undefined) return true;
    const ticks = this.deadlines.toTicks(Math.max(0, keepAliveSeconds - 1) * 1000) - 2;
    this.#keepAliveTicks = Math.min(this.#rules.keepAliveTicks, ticks);
    return ticks > 0;
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    if (this.#call) this.#read();
    else this.lose(undefined);
  };

  #endOfInput(call: OriginCall): void {
    this.#body?.endConnection();
    if (this.#body?.isComplete) this.#complete(call, this.#body.trailers);
    else
      this.lose(new Fault('hop_reset', { message: 'the origin ended its connection before the end of its response' }));
  }

  readonly #onDrain = (): void => {
    this.move();
    if (this.#call && !this.#call.isSent) this.#call.handler.bodyDrained();
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    // An end without a reset, before which a paused call has not read everything, is handled when the call resumes.
    if (this.#isEnded && this.#error === undefined && this.#call?.isPaused) return;
    this.lose(this.#error ?? new Fault('hop_reset', { message: 'the origin closed its connection' }));
  };

  /** Closes it, and fails its call. `isAborted`: it had a call. Idempotent. */
  lose(error: unknown, isAborted = this.#call !== undefined): void {
    if (this.#isLost) return;
    const call = this.#call;
    this.#call = undefined;
    if (call) call.connection = undefined;
    this.#leave();
    // A normal end would look like that of a client that still waits for the response.
    if (isAborted && this.isOpen) this.socket.resetAndDestroy();
    else this.socket.destroy();
    this.#owner.connectionLost(this, call, call && toOriginFault(error, this.isOpen));
  }

  #leave(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#rules.deadlines.remove(this);
    this.#input.clear();
    this.#reads.end();
    this.socket.off('connect', this.#onConnect).off('end', this.#onEnd);
    this.socket.off('drain', this.#onDrain).off('close', this.#onClose);
  }
}
