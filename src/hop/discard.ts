import type { Dispatcher } from 'undici';
import type { Deadlines, Watched } from '../timing/deadlines.ts';
import type { Member } from '../timing/in-flight.ts';

/** What is longer costs more to read than a new connection. */
const LONGEST_BYTES = 256 * 1024;
const LONGEST_MS = 5000;

/**
 * The body of an answer that nobody wants. It is read to its end, so that the connection can be used again; one that is long, or long in
 * coming, is cut off with its connection instead. Whoever waits for another answer does not wait for this.
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

  /** The body has come, or its connection is gone. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.remove(this);
  }

  /** In all: it is not a question of moving on. */
  allowedTicks(): number {
    return this.#deadlines.toTicks(LONGEST_MS);
  }

  expire(): void {
    if (this.#over) return;
    this.end();
    this.#controller.abort(new Error('nobody wants the rest of this answer'));
  }
}
