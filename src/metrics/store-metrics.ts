import { Fault } from '../contract/fault.ts';
import type { MetricFamily, StoreObserver } from '../contract/metrics.ts';
import { toLabels } from './label-text.ts';

/** A store is asked at most once in this time. */
const STORE_MS = 10_000;
/** A store that needs longer is left out. */
const PATIENCE_MS = 300;

/** Asks a store for what its metrics are made of, however often they are read. */
export class SeldomAsked<T> {
  #found: Promise<T | undefined> = Promise.resolve(undefined);
  #askedAtMs = -STORE_MS;

  /** Undefined if there is nothing, or the store is away or late. Never rejects. */
  find(ask: () => Promise<T | undefined>): Promise<T | undefined> {
    if (performance.now() - this.#askedAtMs >= STORE_MS) {
      this.#askedAtMs = performance.now();
      this.#found = ask().catch(() => undefined); // the outage is in error.log
    }
    return Promise.race([this.#found, late()]);
  }
}

function late(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, undefined).unref());
}

/** Counts calls of stores that failed because the store is away, slow or full. */
export class StoreMetrics implements StoreObserver {
  readonly #failures = new Map<string, number>();

  observe<T>(store: string, _verb: string, work: () => Promise<T>): Promise<T> {
    const call = work();
    call.catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'store_unavailable') this.#failed(store);
    });
    return call;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'nexthop_store_failures_total',
        help: 'Calls of stores that failed because the store is away, slow or full.',
        kind: 'counter',
        series: [...this.#failures].map(([store, count]) => ({ labels: toLabels({ store }), values: [count] })),
      },
    ];
  }

  #failed(store: string): void {
    this.#failures.set(store, (this.#failures.get(store) ?? 0) + 1);
  }
}
