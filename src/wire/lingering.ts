import type { Socket } from 'node:net';
import type { ClientRules, ListedConnection } from './client-rules.ts';
import { WatchedSocket } from './watched-socket.ts';

/** A client on a slow line that only reads after it has sent everything gets its response if it is done by then. */
export const LINGER_IDLE_MS = 2000;
export const LINGER_TOTAL_MS = 5000;
const LINGER_BYTES = 64 * 1024 ** 2;

/**
 * The end of a connection after its last response (RFC 9112 9.6). Closing at once would make the kernel reset the connection for bytes that were
 * not read, and a client that is still sending could lose the response. So our side ends, and what still arrives is dropped until
 * the client's side has ended or a limit is reached. Nothing of it is looked at.
 */
export class Lingering extends WatchedSocket implements ListedConnection {
  readonly isIdle = false;
  readonly #rules: ClientRules;
  readonly #isClientEnded: boolean;
  #beganAt = 0;
  #bytes = 0;

  constructor(socket: Socket, rules: ClientRules, isClientEnded: boolean) {
    super(socket, rules.deadlines);
    this.#rules = rules;
    this.#isClientEnded = isClientEnded;
  }

  start(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    this.#rules.list.add(this);
    this.#beganAt = this.movedAt;
    socket.once('close', () => this.#rules.list.remove(this));
    if (this.#isClientEnded) {
      socket.destroySoon();
      return;
    }
    socket.on('data', (chunk: Buffer) => this.#drop(chunk.length));
    socket.on('end', () => socket.destroySoon());
    socket.end();
    socket.resume();
  }

  allowedTicks(): number {
    const { idleTicks, lingerTicks } = this.#rules;
    return this.isWriteWaiting() ? idleTicks : lingerTicks;
  }

  expire(): void {
    this.socket.destroy();
  }

  closeIfIdle(): void {}

  #drop(bytes: number): void {
    this.#bytes += bytes;
    this.move();
    if (this.#bytes > LINGER_BYTES || this.movedAt - this.#beganAt >= this.#rules.maxLingerTicks) this.socket.destroy();
  }
}
