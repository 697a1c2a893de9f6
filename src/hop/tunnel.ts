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
  /** 0: no limit, as for the others. */
  readonly connectTimeoutMs: number;
  /** From the request to the head of the hop's answer, and between two pieces of a refusal. */
  readonly firstByteTimeoutMs: number;
  /** An open tunnel in which nothing moves either way. */
  readonly idleTimeoutMs: number;
  readonly slots: UpgradeSlots;
  /** Largest head of the hop's answer. */
  readonly headerLimitBytes: number;
  /** End-to-end fields of the request as they go to the hop, flat. May throw a Fault. */
  readonly requestHeaders: (exchange: Exchange) => string[];
  /** Fields of an answer of the hop as they go to the client, flat, none of them hop-by-hop. May throw a Fault. */
  readonly responseHeaders: (rawHeaders: readonly string[], status: number, exchange: Exchange) => string[];
}

/**
 * Connections that leave HTTP for a WebSocket between client and hop (RFC 9110 7.8, RFC 6455).
 *
 * http-proxy makes the handshake and relays the bytes; what it leaves to chance is done around it.
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

  /** Tunnels that are open or being opened. */
  get size(): number {
    return this.#tunnels.size;
  }

  /**
   * Opens a tunnel for a request of which `isTunnelRequest` said yes; `head` is what the client sent behind it already.
   * Resolves when the tunnel is over, the hop's refusal is relayed, or the client is gone.
   * Rejects with a Fault while nothing final is written: the caller then answers by `exchange.response`.
   */
  async open(exchange: Exchange, head: Buffer): Promise<void> {
    // Before anything else: node:http took its own listener off, and a reset that nobody listens to ends the process.
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
   * Opens no more, ends the open ones in order and destroys what is left after `graceMs`. Resolves when none is left.
   * A handshake that the hop has not answered yet fails with `draining`.
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
 * Whether a request asks for a WebSocket and for nothing else; only then is it passed on as an upgrade.
 *
 * A server may ignore an Upgrade (RFC 9110 7.8), and all others are served without: one with a body, or to another
 * protocol such as h2c, would let a client say to the hop what nobody here has read.
 */
export function isTunnelRequest({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    // Of several Upgrade fields Node makes one list, which is then none of ours.
    headers.upgrade?.toLowerCase() === 'websocket' &&
    (headers.connection ?? '').split(',').some((option) => option.trim().toLowerCase() === 'upgrade') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}
