import type { Dispatcher } from 'undici';
import type { Deadlines, Watched } from '../timing/deadlines.ts';
import type { Member } from '../timing/in-flight.ts';

/** Reading a longer body costs more than a new connection. */
const LONGEST_BYTES = 256 * 1024;
const LONGEST_MS = 5000;

/**
 * Reads and drops the rest of a response that is not used, so that its connection can be reused. If
 * the body is too long or too slow, its connection is closed instead. Other requests do not wait
 * for it.
 */
export class Discard implements Watched {
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  readonly #controller: Dispatcher.DispatchController;
  readonly #deadlines: Deadlines;
  #bytes = 0;
  #over = false;

  constructor(controller: Dispatcher.DispatchController, deadlines: Deadlines) {
    this.#controller = controller;
    this.#deadlines = deadlines;
    deadlines.add(this);
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > LONGEST_BYTES) this.expire();
  }

  /** Call it when the body is complete or the connection is closed. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.remove(this);
  }

  /** For the whole body; received bytes do not extend it. */
  allowedTicks(): number {
    return this.#deadlines.toTicks(LONGEST_MS);
  }

  expire(): void {
    if (this.#over) return;
    this.end();
    this.#controller.abort(new Error('the rest of this response is not needed'));
  }
}
