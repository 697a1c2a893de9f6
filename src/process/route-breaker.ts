/** As many deaths in this time stop a route. */
const MOST_DEATHS = 3;
const WINDOW_MS = 5 * 60_000;
/** For this time its requests get 503. Then it is tried again. */
const STOPPED_MS = 60_000;

export interface StoppedRoute {
  /** See `toRouteKey`. */
  readonly key: string;
  /** From now on. */
  readonly forMs: number;
}

/** For error.log, once for each time a route is stopped. */
export const STOPPED = 'a route has ended its process too often: it gets 503 for a minute';

/** A key, as fields of a log line. */
export function describeRoute(key: string): {
  readonly target: string | undefined;
  readonly route: string | undefined;
} {
  const [target, route] = key.split('\n');
  return { target, route };
}

interface Blame {
  /** Times of the deaths within the window. */
  readonly deathsMs: readonly number[];
  readonly stoppedUntilMs: number;
}

/**
 * Counts how often a process died, or stood still, while a route had a call in progress, and stops
 * routes for which that happens again and again.
 */
export class RouteBreaker {
  readonly #now: () => number;
  readonly #blames = new Map<string, Blame>();

  /** `now`: milliseconds of a clock that all uses of the counts share. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts a death for each of these routes. Returns those that are stopped by it. One that is
   * stopped already is not among them: its request came before all workers knew of the stop.
   */
  blame(keys: Iterable<string>, atMs = this.#now()): readonly string[] {
    return [...new Set(keys)].filter((key) => {
      const before = this.#blames.get(key) ?? { deathsMs: [], stoppedUntilMs: 0 };
      const deathsMs = [...before.deathsMs.filter((ms) => ms > atMs - WINDOW_MS), atMs];
      const isStopped = deathsMs.length >= MOST_DEATHS && before.stoppedUntilMs <= atMs;
      this.#blames.set(key, { deathsMs, stoppedUntilMs: isStopped ? atMs + STOPPED_MS : before.stoppedUntilMs });
      return isStopped;
    });
  }

  /** The routes that are stopped at present. */
  get stopped(): readonly StoppedRoute[] {
    const nowMs = this.#now();
    return [...this.#blames].flatMap(([key, { stoppedUntilMs }]) =>
      stoppedUntilMs > nowMs ? { key, forMs: stoppedUntilMs - nowMs } : [],
    );
  }

  /** All deaths that still count, for `blame` of another process. */
  get deaths(): readonly { readonly key: string; readonly atMs: number }[] {
    const fromMs = this.#now() - WINDOW_MS;
    return [...this.#blames].flatMap(([key, { deathsMs }]) =>
      deathsMs.filter((atMs) => atMs > fromMs).map((atMs) => ({ key, atMs })),
    );
  }
}
