import { InFlightList, type Member } from './in-flight.ts';

/** Something that must make progress. `expire` is called when it makes none in time; it may be removed then. */
export interface Watched extends Member {
  /** The tick of its last progress. */
  movedAt: number;
  /** Ticks without progress that are currently allowed; 0: no limit. */
  allowedTicks(): number;
  expire(): void;
}

const COARSEST_TICK_MS = 500;
const FINEST_TICK_MS = 10;

/**
 * Timeouts for many exchanges with one timer.
 *
 * A timer for each exchange, refreshed for each chunk, costs more than forwarding the chunk. Here progress is one
 * assignment. A timeout fires late by at most a tenth of the shortest timeout, and at most half a second.
 */
export class Deadlines {
  /** Grows by one each tick. Progress is recorded as `movedAt = now`. */
  now = 0;
  readonly #tickMs: number;
  readonly #watched = new InFlightList<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutsMs: readonly number[]) {
    const shortest = Math.min(...timeoutsMs.filter((ms) => ms > 0), COARSEST_TICK_MS * 10);
    this.#tickMs = Math.max(FINEST_TICK_MS, Math.floor(shortest / 10));
  }

  /** Converts milliseconds to ticks, rounded up; 0 stays 0. */
  toTicks(ms: number): number {
    return ms === 0 ? 0 : Math.ceil(ms / this.#tickMs) + 1;
  }

  add(watched: Watched): void {
    watched.movedAt = this.now;
    this.#watched.join(watched);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  remove(watched: Watched): void {
    this.#watched.leave(watched);
  }

  #tick(): void {
    this.now++;
    for (const watched of this.#watched) {
      const allowed = watched.allowedTicks();
      if (allowed > 0 && this.now - watched.movedAt >= allowed) watched.expire();
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
