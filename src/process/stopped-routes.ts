import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { RouteStops } from '../contract/route.ts';
import type { StoppedRoute } from './route-breaker.ts';
import { toRouteKey } from './shared-calls.ts';

/** The routes whose requests get 503, because they have ended their process too often. */
export class StoppedRoutes implements RouteStops {
  /** By key, on the clock of `performance.now`. */
  readonly #untilMs = new Map<string, number>();

  /** False while none is stopped: the usual case, which costs a request nothing more. */
  get areAny(): boolean {
    return this.#untilMs.size > 0;
  }

  /** Stops these routes, and no others. */
  use(stopped: readonly StoppedRoute[]): void {
    this.#untilMs.clear();
    for (const { key, forMs } of stopped) this.#untilMs.set(key, performance.now() + forMs);
  }

  /** Throws `route_stopped` if the route that is about to be called is stopped. */
  check({ answeredBy, route }: Exchange): void {
    const key = toRouteKey({ calledCode: answeredBy, route });
    const leftMs = (this.#untilMs.get(key) ?? 0) - performance.now();
    if (leftMs > 0) throw new Fault('route_stopped', { headers: ['Retry-After', String(Math.ceil(leftMs / 1000))] });
    this.#untilMs.delete(key);
  }
}
