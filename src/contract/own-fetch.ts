type Fetch = typeof globalThis.fetch;

/** Node's own, for requests of nexthop itself: code of the site may replace the global. */
export const nativeFetch: Fetch = globalThis.fetch;

/** Property of each `fetch` that nexthop has set as the global one. */
const OWN = Symbol.for('nexthop.fetch');

/**
 * Sets the global `fetch` to what `wrap` makes of it. The result looks like the original, and
 * `isFetchOfSite` tells it from one that code of the site has set. `name`: a wrapper with this name
 * is set once, also if nexthop is loaded twice.
 */
export function wrapFetch(name: string, wrap: (fetch: Fetch) => Fetch): void {
  const mark = Symbol.for(name);
  const { fetch } = globalThis;
  if (mark in fetch) return;
  // With those of the wrappers inside. Otherwise they would be set once more outside of this one, at each reading of the site.
  const marks = Object.getOwnPropertySymbols(fetch).map((symbol) => [symbol, { value: true }]);
  globalThis.fetch = Object.defineProperties(wrap(fetch), {
    ...Object.fromEntries(marks),
    name: { value: 'fetch', configurable: true },
    length: { value: fetch.length, configurable: true },
    [mark]: { value: true },
    [OWN]: { value: true },
  });
}

/** Whether code of the site has replaced the global `fetch`. */
export function isFetchOfSite(): boolean {
  const { fetch } = globalThis;
  return fetch !== nativeFetch && !(typeof fetch === 'function' && OWN in fetch);
}
