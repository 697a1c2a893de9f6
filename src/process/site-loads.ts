/** How a process loads the files of its site after an earlier one ended while it did. */
export interface LoadOrders {
  /** Files, relative to the site, that are not loaded. */
  readonly skipped: readonly string[];
  /** Loads one file after the other, so that a death shows which file is to blame. */
  readonly oneByOne: boolean;
}

export const LOAD_ALL: LoadOrders = { skipped: [], oneByOne: false };

/** A file that does not load by itself, e.g. waits for a server, delays the next one this long. */
const LONGEST_TURN_MS = 1000;

/** The file ended an earlier process, so it is not loaded. */
export class SkippedLoadError extends Error {
  override readonly name = 'SkippedLoadError';

  constructor() {
    super('ended its process while it loaded, so it is not loaded: repair it, then reload the site');
  }
}

/** Decides when, and whether, a file of the site is loaded. */
export class SiteLoads {
  #orders = LOAD_ALL;
  #last: Promise<unknown> = Promise.resolve();

  /** Holds for loads that begin from now on. */
  use(orders: LoadOrders): void {
    this.#orders = orders;
  }

  /** Rejects with a SkippedLoadError, or as `load` does. `file`: relative to the site. */
  run<T>(file: string, load: () => Promise<T>): Promise<T> {
    if (this.#orders.skipped.includes(file)) return Promise.reject(new SkippedLoadError());
    if (!this.#orders.oneByOne) return load();
    const loading = this.#last.then(load);
    this.#last = endOf(loading);
    return loading;
  }
}

async function endOf(loading: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LONGEST_TURN_MS);
  // What it rejects with, its caller gets.
  await Promise.race([loading.catch(() => {}), late]);
  clearTimeout(timer);
}

/** Those of this process. */
export const SITE_LOADS = new SiteLoads();
