import { Deadlines } from '../contract/deadlines.ts';
import { Fault } from '../contract/fault.ts';
import { type CallKeeper, OriginCall, type OriginHandler, type OriginRequest } from './origin-call.ts';
import { type ConnectionOwner, OriginConnection } from './origin-connection.ts';
import { isRefused } from './origin-fault.ts';
import type { OriginRules } from './origin-rules.ts';

export interface OriginPoolOptions {
  readonly host: string;
  readonly port: number;
  /** Most connections. */
  readonly connections: number;
  /** Calls beyond those that may wait for a connection. */
  readonly queue: number;
  readonly connectTimeoutMs: number;
  /** From the end of the request to the head of the response, and in the queue; 0: no limit. */
  readonly firstByteTimeoutMs: number;
  /** Between two pieces of a response; 0: no limit. */
  readonly idleTimeoutMs: number;
  /** An idle connection is kept for so long; less if the origin says so. */
  readonly keepAliveMs: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
}

/** Methods that may be sent twice with the effect of once (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
]);

/**
 * The connections to one origin over plain TCP.
 *
 * A body that its client sends slowly holds a connection for as long. So a quarter of the connections, at least one, is kept for
 * calls without a body or whose body has been sent: uploads that do not progress cannot block all other requests. Of a single
 * connection no share can be kept.
 */
export class OriginPool implements ConnectionOwner, CallKeeper {
  readonly queueTicks: number;
  readonly #rules: OriginRules;
  readonly #mostConnections: number;
  readonly #mostUploads: number;
  readonly #mostWaiting: number;
  readonly #connections = new Set<OriginConnection>();
  /** The one that was used last is used first: those that are not needed become old, and close. */
  readonly #idle: OriginConnection[] = [];
  readonly #waiting = new CallQueue();
  readonly #waitingUploads = new CallQueue();
  /** Calls on a connection whose body has not been sent. */
  #uploads = 0;
  #isClosed = false;
  #retries = 0;
  #answers = 0;

  constructor(options: OriginPoolOptions) {
    const { connections, connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, keepAliveMs } = options;
    const deadlines = new Deadlines([connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, keepAliveMs]);
    this.#mostConnections = connections;
    this.#mostUploads = Math.max(1, connections - Math.max(1, Math.floor(connections / 4)));
    this.#mostWaiting = options.queue;
    this.#rules = {
      host: options.host,
      port: options.port,
      maxHeadBytes: options.maxHeadBytes,
      maxHeaders: options.maxHeaders,
      deadlines,
      connectTicks: deadlines.toTicks(connectTimeoutMs),
      firstByteTicks: deadlines.toTicks(firstByteTimeoutMs),
      idleTicks: deadlines.toTicks(idleTimeoutMs),
      keepAliveTicks: deadlines.toTicks(keepAliveMs),
    };
    this.queueTicks = this.#rules.firstByteTicks;
  }

  /** The number of connections that are open or are being opened. */
  get size(): number {
    return this.#connections.size;
  }

  /** How many calls were sent a second time. */
  get retries(): number {
    return this.#retries;
  }

  /** How many responses were whole, on connections that stayed open. */
  get answers(): number {
    return this.#answers;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** Calls that wait for a connection. */
  get waitingCount(): number {
    return this.#waiting.size + this.#waitingUploads.size;
  }

  /** Sends the request; `handler` is called with all results. Throws `hop_busy` when too many calls wait and `draining` after `close`. */
  send(request: OriginRequest, handler: OriginHandler): OriginCall {
    if (this.#isClosed) throw new Fault('draining');
    const call = new OriginCall(request, handler, this);
    if (this.#canStart(call)) this.#start(call);
    else if (this.waitingCount < this.#mostWaiting) this.#enqueue(call);
    else {
      throw new Fault('hop_busy', {
        message: `${this.waitingCount} requests wait for a connection`,
        headers: ['Retry-After', '1'],
      });
    }
    return call;
  }

  /** The address of the origin changed: no existing connection is used for a further call. */
  renew(): void {
    for (const connection of this.#connections) connection.isRetired = true;
    for (const connection of this.#idle.splice(0)) connection.lose(new Fault('draining'));
  }

  /** Closes every connection; running and waiting calls fail with `draining`. */
  close(): void {
    this.#isClosed = true;
    for (const queue of [this.#waiting, this.#waitingUploads]) {
      while (queue.first) {
        const call = queue.first;
        this.withdraw(call);
        call.fail(new Fault('draining'));
      }
    }
    for (const connection of [...this.#connections]) connection.lose(new Fault('draining'));
  }

  bodyEnded(call: OriginCall): void {
    if (!call.isCounted) return;
    call.isCounted = false;
    this.#uploads--;
    this.#startWaiting();
  }

  withdraw(call: OriginCall): void {
    if (this.#waiting.remove(call) || this.#waitingUploads.remove(call)) this.#rules.deadlines.remove(call);
  }

  connectionFreed(connection: OriginConnection): void {
    this.#answers++;
    this.#idle.push(connection);
    this.#startWaiting();
  }

  connectionLost(connection: OriginConnection, call: OriginCall | undefined, error: unknown): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (call && error instanceof Fault) {
      if (this.#mayRetry(connection, call, error)) {
        call.sendAgain(error);
        this.#retries++;
        // Never another idle one, which is probably stale, too; the slot of the lost one is free.
        this.#open(call);
        return;
      }
      call.fail(error);
    }
    this.#startWaiting();
  }

  /**
   * Once, and only if the origin cannot have acted on the request: the connection was refused, or a reused one broke before the first byte
   * of a response to an idempotent request without a body (RFC 9110 9.2.2).
   */
  #mayRetry(connection: OriginConnection, call: OriginCall, fault: Fault): boolean {
    if (call.hasRetried || call.hasResponse || call.isOver || this.#isClosed) return false;
    if (!connection.isOpen) return isRefused(fault.cause);
    const { method, bodyBytes } = call.request;
    return connection.responses > 0 && bodyBytes === 0 && IDEMPOTENT.has(method) && fault.code === 'hop_reset';
  }

  #canStart(call: OriginCall): boolean {
    if (call.isUpload && this.#uploads >= this.#mostUploads) return false;
    return this.#idle.length > 0 || this.#connections.size < this.#mostConnections;
  }

  #start(call: OriginCall): void {
    if (call.isUpload) {
      call.isCounted = true;
      this.#uploads++;
    }
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (!connection.isStale) {
        connection.carry(call);
        return;
      }
      connection.lose(new Fault('draining'));
    }
    this.#open(call);
  }

  #open(call: OriginCall): void {
    this.#connections.add(new OriginConnection(this.#rules, this, call));
  }

  #enqueue(call: OriginCall): void {
    (call.isUpload ? this.#waitingUploads : this.#waiting).push(call);
    this.#rules.deadlines.add(call);
  }

  /** Starts calls that wait, while there are connections for them. Each queue is first in, first out; a call without a body is started first. */
  #startWaiting(): void {
    for (;;) {
      const call = [this.#waiting.first, this.#waitingUploads.first].find((each) => each && this.#canStart(each));
      if (!call || this.#isClosed) return;
      this.withdraw(call);
      this.#start(call);
    }
  }
}

/** Calls that wait for a connection, first in, first out. Linked through its members: an aborted call is removed at once. */
class CallQueue {
  first: OriginCall | undefined;
  #last: OriginCall | undefined;
  size = 0;

  push(call: OriginCall): void {
    call.previousCall = this.#last;
    if (this.#last) this.#last.nextCall = call;
    else this.first = call;
    this.#last = call;
    this.size++;
  }

  /** Idempotent. */
  remove(call: OriginCall): boolean {
    const { previousCall, nextCall } = call;
    if (!previousCall && this.first !== call) return false;
    if (previousCall) previousCall.nextCall = nextCall;
    else this.first = nextCall;
    if (nextCall) nextCall.previousCall = previousCall;
    else this.#last = previousCall;
    call.nextCall = undefined;
    call.previousCall = undefined;
    this.size--;
    return true;
  }
}
