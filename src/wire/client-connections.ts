import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Deadlines } from '../contract/deadlines.ts';
import type { RequestHandler } from '../contract/http-message.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientRules, ConnectionList, ListedConnection } from './client-rules.ts';
import { HeldResponses } from './held-responses.ts';
import { HttpDate } from './http-date.ts';
import { LINGER_IDLE_MS, LINGER_TOTAL_MS } from './lingering.ts';
import { checkRequestLine } from './request-head.ts';

export interface ClientConnectionsOptions {
  readonly handler: RequestHandler;
  /** The sockets speak TLS. */
  readonly encrypted: boolean;
  /** HEADER_LIMIT; also of a trailer section. */
  readonly maxHeadBytes: number;
  /** Most header lines of a request. */
  readonly maxHeaders: number;
  /** From the first byte of a head to its end; then 408. */
  readonly headersTimeoutMs: number;
  /** From one response to the first byte of the next request. */
  readonly keepAliveTimeoutMs: number;
  /** For a client that stops sending its body or reading its response; 0: no limit. */
  readonly clientIdleTimeoutMs: number;
  /** Time after the start of a drain in which a request that arrives on an idle connection is still answered. */
  readonly drainGraceMs: number;
}

/**
 * The client connections of one server. Give it each socket of a `net` or `tls` server that was created with `allowHalfOpen: true`, `noDelay: true`:
 *
 *     const connections = new ClientConnections(options);
 *     createServer({ allowHalfOpen: true, noDelay: true }, (socket) => connections.accept(socket));
 *
 * Each request is passed to `options.handler`. To end: close the listening socket, then call `drain`.
 */
export class ClientConnections implements ConnectionList {
  isDraining = false;
  mayCloseIdle = false;
  readonly #connections = new Set<ListedConnection>();
  readonly #rules: ClientRules;
  readonly #drainGraceMs: number;
  #onEmpty: (() => void) | undefined;

  constructor(options: ClientConnectionsOptions) {
    const { headersTimeoutMs, keepAliveTimeoutMs, clientIdleTimeoutMs } = options;
    const deadlines = new Deadlines([headersTimeoutMs, keepAliveTimeoutMs, clientIdleTimeoutMs]);
    this.#drainGraceMs = options.drainGraceMs;
    this.#rules = {
      handler: options.handler,
      encrypted: options.encrypted,
      maxHeadBytes: options.maxHeadBytes,
      cutting: {
        side: 'request',
        maxBytes: options.maxHeadBytes,
        skipsEmptyLine: true,
        checkFirstLine: checkRequestLine,
      },
      maxHeaders: options.maxHeaders,
      date: new HttpDate(),
      held: new HeldResponses(),
      keepAliveLines: toKeepAliveLines(keepAliveTimeoutMs),
      keepAliveMs: keepAliveTimeoutMs,
      deadlines,
      headTicks: deadlines.toTicks(headersTimeoutMs),
      keepAliveTicks: deadlines.toTicks(keepAliveTimeoutMs),
      idleTicks: deadlines.toTicks(clientIdleTimeoutMs),
      lingerTicks: deadlines.toTicks(LINGER_IDLE_MS),
      maxLingerTicks: deadlines.toTicks(LINGER_TOTAL_MS),
      list: this,
    };
  }

  /** Open connections, including those whose last response has been written. */
  get size(): number {
    return this.#connections.size;
  }

  /** Serves the socket until it closes. */
  accept(socket: Socket): void {
    if (socket.destroyed) return;
    new ClientConnection(socket, this.#rules);
  }

  add(connection: ListedConnection): void {
    if (this.#connections.has(connection)) return;
    this.#connections.add(connection);
    this.#rules.deadlines.add(connection);
  }

  remove(connection: ListedConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#rules.deadlines.remove(connection);
    if (this.size === 0) this.#onEmpty?.();
  }

  /** From now on every response has `Connection: close`; idle connections stay open. */
  announceClose(): void {
    this.isDraining = true;
  }

  /**
   * Closes idle connections after the grace time, and each other one after its response. Resolves when the last one is closed. A client may have
   * sent a request on an idle connection before it received the end: within the grace time it is answered.
   */
  async drain(): Promise<void> {
    this.announceClose();
    if (this.size > 0) await delay(this.#drainGraceMs);
    this.mayCloseIdle = true;
    for (const connection of [...this.#connections]) connection.closeIfIdle();
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Sends complete responses that wait for the end of the turn: the process ends before it. */
  sendHeld(): void {
    this.#rules.held.send();
  }

  /** Ends every connection at once. */
  destroy(): void {
    for (const { socket } of [...this.#connections]) socket.destroy();
  }
}

/** Without this header, clients would send requests on connections that are being closed. */
function toKeepAliveLines(keepAliveTimeoutMs: number): string {
  const seconds = Math.floor(keepAliveTimeoutMs / 1000);
  return `Connection: keep-alive\r\n${seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''}`;
}
