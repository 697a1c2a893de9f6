import type { Socket } from 'node:net';
import type { Deadlines } from '../contract/deadlines.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { toEndToEnd } from '../wire/connection-headers.ts';
import { toUpgradeHead } from '../wire/head-text.ts';
import type { OriginPool } from '../wire/origin-pool.ts';
import type { ResponseHead } from '../wire/response-head.ts';
import { Forward } from './forward.ts';
import { Tunnel } from './tunnel.ts';

export interface HandshakeOptions {
  /** The whole head for the hop. */
  readonly headText: string;
  readonly deadlines: Deadlines;
  /** For the open tunnel; 0: no limit. */
  readonly idleTicks: number;
}

/**
 * A forwarded request for a WebSocket. A refusal of the hop is an ordinary response, after which both connections stay open; a 101 opens a tunnel.
 * `settled` resolves when the tunnel is over.
 */
export class Handshake extends Forward {
  readonly #options: HandshakeOptions;
  #tunnel: Tunnel | undefined;

  constructor(exchange: Exchange, pool: OriginPool, options: HandshakeOptions) {
    super(exchange, pool, { headText: options.headText, mayUpgrade: true, isAwaited: true });
    this.#options = options;
  }

  override upgraded(head: ResponseHead, origin: Socket, originHead: Buffer): void {
    const { exchange } = this;
    exchange.upstreamStatus = String(head.status);
    exchange.upstreamAddress = this.address;
    const protocol = head.get('upgrade');
    if (protocol?.toLowerCase() !== 'websocket') {
      origin.destroy();
      const message = `the hop must switch to "websocket", got ${JSON.stringify(protocol)}`;
      this.fail(new Fault('hop_bad_answer', { message }));
      return;
    }
    const { requestId } = exchange;
    const headers = withoutLength(toEndToEnd(head.headers, head.connection));
    if (head.get(requestId.name) === undefined) headers.push(requestId.name, requestId.value);
    const { deadlines, idleTicks } = this.#options;
    try {
      const text = toUpgradeHead([...headers, 'Upgrade', 'websocket', 'Connection', 'Upgrade']);
      const { socket: client, head: clientHead } = exchange.response.takeOver();
      client.write(text, 'latin1');
      client.write(originHead);
      origin.write(clientHead);
      this.#tunnel = new Tunnel({ client, origin, deadlines, idleTicks, onOver: () => this.finish() });
    } catch (error) {
      // The client has just closed; its exchange is closed next.
      origin.destroy();
      this.fail(new Fault('client_left', { cause: error }));
    }
  }

  /** A tunnel needs both directions. */
  clientEnded(): void {
    if (!this.exchange.response.isHeadWritten) this.exchange.response.abort();
  }

  /** Shutdown: see `Tunnel.end`; a handshake without a response fails. */
  drain(): void {
    if (this.#tunnel) this.#tunnel.end();
    else if (!this.exchange.response.isHeadWritten) this.fail(new Fault('draining'));
  }

  destroy(): void {
    if (this.#tunnel) this.#tunnel.destroy();
    else this.exchange.response.abort();
  }
}

/** A 101 has no body and therefore no length (RFC 9110 8.6). */
function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, at) => (headers[at - (at % 2)] as string).toLowerCase() !== 'content-length');
}
