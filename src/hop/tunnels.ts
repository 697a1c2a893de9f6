import { Deadlines } from '../contract/deadlines.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Outcome } from '../contract/target.ts';
import type { UpgradeSlots } from '../http/upgrade-slots.ts';
import type { OriginPool } from '../wire/origin-pool.ts';
import { Handshake } from './handshake.ts';
import type { RequestHeaders } from './request-headers.ts';

export interface TunnelsOptions {
  readonly pool: OriginPool;
  readonly requestHeaders: RequestHeaders;
  readonly slots: UpgradeSlots;
  /** For an open tunnel without traffic in either direction; 0: no limit. */
  readonly idleTimeoutMs: number;
}

/** WebSocket tunnels between client and hop (RFC 9110 7.8, RFC 6455). */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #deadlines: Deadlines;
  readonly #handshakes = new Set<Handshake>();
  #isClosing = false;

  constructor(options: TunnelsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines([options.idleTimeoutMs]);
  }

  /** Number of tunnels that are open or being opened. */
  get size(): number {
    return this.#handshakes.size;
  }

  /**
   * Sends the handshake to the hop. Resolves when the tunnel is over, the hop's refusal is relayed, or the client has left. Rejects with a Fault as `Hop.answer`,
   * with `hop_busy` if too many tunnels are open, and with `draining`.
   */
  async open(exchange: Exchange): Promise<Outcome> {
    exchange.answeredBy = 'tunnel';
    if (this.#isClosing) throw new Fault('draining');
    const { pool, requestHeaders, slots, idleTimeoutMs } = this.#options;
    const headText = requestHeaders.toHeadText(exchange, 'websocket');
    const slot = slots.take();
    const handshake = new Handshake(exchange, pool, {
      headText,
      deadlines: this.#deadlines,
      idleTicks: this.#deadlines.toTicks(idleTimeoutMs),
    });
    this.#handshakes.add(handshake);
    try {
      return await handshake.settled;
    } finally {
      this.#handshakes.delete(handshake);
      slot.free();
    }
  }

  /**
   * Opens no new tunnels, closes the open ones and destroys the rest after `graceMs`. Resolves when none is left. A handshake without a response
   * yet fails with `draining`.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const handshakes = [...this.#handshakes];
    for (const handshake of handshakes) handshake.drain();
    const timer = setTimeout(() => {
      for (const handshake of handshakes) handshake.destroy();
    }, graceMs);
    await Promise.allSettled(handshakes.map((handshake) => handshake.settled));
    clearTimeout(timer);
  }
}
