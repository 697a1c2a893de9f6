import type { Socket } from 'node:net';
import type { Deadlines, Watched } from '../contract/deadlines.ts';
import type { Member } from '../contract/in-flight.ts';

export interface TunnelParts {
  /** Both are paused and have only a listener for errors. */
  readonly client: Socket;
  readonly origin: Socket;
  readonly deadlines: Deadlines;
  /** Longest time without traffic in either direction; 0: no limit. */
  readonly idleTicks: number;
  /** Called once when both connections are closed. */
  readonly onOver: () => void;
}

/**
 * Relays bytes between two connections until both are closed. Each side may end before the other. When one connection closes, the other one closes
 * as soon as its pending bytes are written; when one breaks, the other one is destroyed.
 */
export class Tunnel implements Watched {
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  readonly #parts: TunnelParts;
  #bytesRead = 0;

  constructor(parts: TunnelParts) {
    this.#parts = parts;
    const { client, origin, deadlines } = parts;
    // Its connection was opened for HTTP, which does not need it.
    origin.allowHalfOpen = true;
    client.on('close', (isBroken) => this.#onClose(origin, isBroken));
    origin.on('close', (isBroken) => this.#onClose(client, isBroken));
    deadlines.add(this);
    client.pipe(origin);
    origin.pipe(client);
  }

  /** Shutdown: sends FIN to both sides and stops relaying, so that no side can keep the tunnel open by sending. */
  end(): void {
    const { client, origin } = this.#parts;
    client.unpipe(origin).resume().end();
    origin.unpipe(client).resume().end();
  }

  destroy(): void {
    this.#parts.client.destroy();
    this.#parts.origin.destroy();
  }

  /** Traffic is measured here once per tick by the byte counters, instead of by 'data' listeners. */
  allowedTicks(): number {
    const { client, origin, deadlines, idleTicks } = this.#parts;
    const bytesRead = client.bytesRead + origin.bytesRead;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.movedAt = deadlines.now;
    }
    return idleTicks;
  }

  expire(): void {
    this.destroy();
  }

  #onClose(other: Socket, isBroken: boolean): void {
    const { client, origin, deadlines, onOver } = this.#parts;
    if (client.closed && origin.closed) {
      deadlines.remove(this);
      onOver();
    } else if (isBroken) other.destroy();
    else other.destroySoon();
  }
}
