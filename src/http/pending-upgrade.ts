import type { Exchange } from '../contract/exchange.ts';
import type { SocketTalker, Upgrade } from '../contract/upgrade.ts';
import { EarlyBytes } from './early-bytes.ts';

/** Completes a handshake and resolves when the socket is closed; see `Upgrade.accept`. */
export type Accept = (exchange: Exchange, talker: SocketTalker) => Promise<void>;

/**
 * An upgrade request that no route has accepted or refused yet. Meanwhile the connection is read,
 * so that the loss of the client is noticed.
 */
export class PendingUpgrade implements Upgrade {
  readonly #exchange: Exchange;
  readonly #early: EarlyBytes;
  readonly #accept: Accept;
  #isDecided = false;

  /** `head`: the bytes after the request that Node has already read. */
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

  /**
   * Another component decides: the received bytes are put back into the socket, which is then
   * paused.
   */
  pass(): void {
    this.#decide();
    this.#early.giveBack();
  }

  /**
   * Refuses the upgrade unless it is decided. Received and later bytes are read and dropped, so
   * that the connection can close normally.
   */
  refuse(): void {
    if (this.#isDecided) return;
    this.#decide();
    this.#early.drop();
  }

  #decide(): void {
    this.#isDecided = true;
    this.#exchange.upgrade = undefined;
    // The client may still be reading a refusal, so its end must not destroy the socket from now
    // on.
    this.#exchange.socket.off('end', this.#onEnd);
  }

  /**
   * A half-close and a close look the same here. A handshake needs both directions, so the socket
   * is destroyed.
   */
  readonly #onEnd = (): void => {
    this.#exchange.socket.destroy();
  };

  /**
   * node:http removes its listeners from an upgraded socket, so the response would not get its
   * 'drain' event.
   */
  readonly #onDrain = (): void => {
    this.#exchange.response.emit('drain');
  };
}
