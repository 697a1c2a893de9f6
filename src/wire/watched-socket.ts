import type { Socket } from 'node:net';
import type { Deadlines, Watched } from '../contract/deadlines.ts';
import type { Member } from '../contract/in-flight.ts';

/** A connection with a timeout: what does not move in time expires. */
export abstract class WatchedSocket implements Watched {
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  readonly socket: Socket;
  protected readonly deadlines: Deadlines;
  #unsentBytes: number | undefined;

  constructor(socket: Socket, deadlines: Deadlines) {
    this.socket = socket;
    this.deadlines = deadlines;
  }

  abstract allowedTicks(): number;
  abstract expire(): void;

  /** The timeout begins anew. */
  protected move(): void {
    this.movedAt = this.deadlines.now;
  }

  /**
   * The kernel has not accepted all written bytes: the other side does not read, or slowly. One that reads a large write in small
   * steps does move. Asked at each tick.
   */
  protected isWriteWaiting(): boolean {
    if (this.socket.writableLength === 0) return false;
    const unsent = unsentBytes(this.socket);
    if (unsent !== this.#unsentBytes) this.move();
    this.#unsentBytes = unsent;
    return true;
  }
}

/** Undefined if Node does not report it. Node's own socket timeout reads the same value (docs/dependencies-internals.md). */
function unsentBytes(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly writeQueueSize?: unknown } | null };
  return typeof handle?.writeQueueSize === 'number' ? handle.writeQueueSize : undefined;
}
