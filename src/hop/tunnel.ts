import type { IncomingMessage } from 'node:http';
import type { Origin } from '../config/setting.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { UpgradeSlots } from '../http/upgrade-slots.ts';
import { Deadlines } from '../timing/deadlines.ts';
import { Handshaker } from './tunnel-handshake.ts';
import { Tunnel, type TunnelTools } from './tunnel-session.ts';

export interface TunnelOptions {
  readonly origin: Origin;
  /** 0: no limit, also for the other timeouts. */
  readonly connectTimeoutMs: number;
  /** From the request to the head of the hop's response, and between two chunks of a refusal. */
  readonly firstByteTimeoutMs: number;
  /** For an open tunnel without traffic in either direction. */
  readonly idleTimeoutMs: number;
  readonly slots: UpgradeSlots;
  /** Largest head of the hop's response. */
  readonly headerLimitBytes: number;
  /** Returns the end-to-end headers for the hop, flat. May throw a Fault. */
  readonly requestHeaders: (exchange: Exchange) => string[];
  /**
   * Returns the end-to-end headers of the hop's response for the client, flat. May throw a Fault.
   */
  readonly responseHeaders: (rawHeaders: readonly string[], status: number, exchange: Exchange) => string[];
}

/**
 * WebSocket tunnels between client and hop (RFC 9110 7.8, RFC 6455).
 *
 * http-proxy does the handshake and relays the bytes. This code adds limits, timeouts, errors and
 * the drain.
 */
export class Tunnels {
  readonly #options: TunnelOptions;
  readonly #tools: TunnelTools;
  readonly #tunnels = new Set<Tunnel>();
  #closing = false;

  constructor(options: TunnelOptions) {
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs } = options;
    const deadlines = new Deadlines([connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs]);
    this.#options = options;
    this.#tools = {
      deadlines,
      handshaker: new Handshaker(options.origin, options.headerLimitBytes),
      responseHeaders: options.responseHeaders,
      ticks: {
        connecting: deadlines.toTicks(connectTimeoutMs),
        waiting: deadlines.toTicks(firstByteTimeoutMs),
        refused: deadlines.toTicks(firstByteTimeoutMs),
        open: deadlines.toTicks(idleTimeoutMs),
        over: 0,
      },
    };
  }

  /** Number of tunnels that are open or being opened. */
  get size(): number {
    return this.#tunnels.size;
  }

  /**
   * Opens a tunnel for a request for which `isTunnelRequest` is true. `head`: bytes after the
   * request that Node has already read. Resolves when the tunnel is over, the hop's refusal is
   * relayed, or the client has left. Rejects with a Fault if no final response was written; the
   * caller then answers with `exchange.response`.
   */
  async open(exchange: Exchange, head: Buffer): Promise<void> {
    // Must be first: node:http removes its own error listener, and an 'error' event without a
    // listener ends the process.
    exchange.socket.on('error', () => exchange.socket.destroy());
    if (this.#closing) throw new Fault('draining');
    const { slots, requestHeaders } = this.#options;
    slots.take();
    const tunnel = new Tunnel(this.#tools, exchange);
    this.#tunnels.add(tunnel);
    try {
      tunnel.start(requestHeaders(exchange), head);
      await tunnel.settled;
    } finally {
      this.#tunnels.delete(tunnel);
      slots.free();
    }
  }

  /**
   * Opens no new tunnels, ends the open ones normally and destroys the rest after `graceMs`.
   * Resolves when none is left. A handshake without a response yet fails with `draining`.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const tunnels = [...this.#tunnels];
    for (const tunnel of tunnels) tunnel.end();
    const timer = setTimeout(() => {
      for (const tunnel of tunnels) tunnel.destroy();
    }, graceMs);
    await Promise.allSettled(tunnels.map((tunnel) => tunnel.settled));
    clearTimeout(timer);
  }
}

/**
 * Whether a request asks only for a WebSocket. Only then it is forwarded as an upgrade.
 *
 * A server may ignore Upgrade (RFC 9110 7.8), and all other requests are served without it. An
 * upgrade with a body, or to another protocol such as h2c, would let a client send bytes to the hop
 * that this server has not checked.
 */
export function isTunnelRequest({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    // Node joins repeated Upgrade headers; the list is then not equal to "websocket".
    headers.upgrade?.toLowerCase() === 'websocket' &&
    (headers.connection ?? '').split(',').some((option) => option.trim().toLowerCase() === 'upgrade') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}
