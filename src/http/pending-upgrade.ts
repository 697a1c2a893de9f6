import type { Exchange } from '../contract/exchange.ts';
import type { SocketTalker, Upgrade } from '../contract/upgrade.ts';
import { EarlyBytes } from './early-bytes.ts';

/** Completes a handshake and resolves when the socket is closed; see `Upgrade.accept`. */
export type Accept = (exchange: Exchange, talker: SocketTalker) => Promise<void>;

/** An upgrade while it is not decided who answers it. Meanwhile the connection is read, so that a client that leaves is noticed. */
export class PendingUpgrade implements Upgrade {
  readonly #exchange: Exchange;
  readonly #early: EarlyBytes;
  readonly #accept: Accept;
  #isDecided = false;

  /** `head` is what came behind the request already. */
  constructor(exchange: Exchange, head: Buffer, accept: Accept) {
    this.#exchange = exchange;
    this.#accept = accept;
    const { socket } = exchange;
    socket.on('end', this.#onEnd).on('drain', this.#onDrain);
    this.#early = new EarlyBytes(socket, head);
  }

  accept(talker: SocketTalker): Promise<void> {
    this.pass();
    return this.#accept(this.#exchange, talker);
  }

  /** Somebody else decides: whatever came is in the socket again, which is paused. */
  pass(): void {
    this.#decide();
    this.#early.giveBack();
  }

  /** Unless somebody took it, it is refused: what came, and still comes, is read and dropped, so that the connection can end in order. */
  refuse(): void {
    if (this.#isDecided) return;
    this.#decide();
    this.#early.drop();
  }

  #decide(): void {
    this.#isDecided = true;
    this.#exchange.upgrade = undefined;
    // A refusal may still be on its way to a client that reads slowly.
    this.#exchange.socket.off('end', this.#onEnd);
  }

  /** Who closes a connection sends the same as who has only finished talking; a handshake needs both directions. */
  readonly #onEnd = (): void => {
    this.#exchange.socket.destroy();
  };

  /** node:http lets go of a socket that asked for an upgrade, so the response would not be told that it may go on. */
  readonly #onDrain = (): void => {
    this.#exchange.response.emit('drain');
  };
}
