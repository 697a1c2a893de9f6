/** Where `purgeCache()` of `@netlify/functions` sends its wish. */
const PURGE = 'https://api.netlify.com/api/v1/purge';

const GUARDED = Symbol.for('nexthop.purge-guard');

/**
 * Keeps `purgeCache()` from telling Netlify, with the site's token, to forget what is not kept there: nexthop keeps no answers that could be
 * purged, and whoever asks for it is told. Every other `fetch` goes through as it is.
 */
export function guardPurge(): void {
  const { fetch: unguarded } = globalThis;
  if (GUARDED in unguarded) return;
  const guarded: typeof fetch = (input, init) => {
    if (isPurge(input)) return Promise.reject(new Error(REFUSAL));
    return unguarded(input, init);
  };
  globalThis.fetch = Object.defineProperties(guarded, {
    name: { value: 'fetch', configurable: true },
    length: { value: unguarded.length, configurable: true },
    [GUARDED]: { value: true },
  });
}

const REFUSAL =
  'purgeCache() has nothing to purge: nexthop keeps no cache of answers. The request to api.netlify.com was not sent; ' +
  'it would have purged what Netlify keeps, which nobody is served from here.';

function isPurge(input: string | URL | Request): boolean {
  const url = typeof input === 'string' ? input : 'href' in input ? input.href : input.url;
  return typeof url === 'string' && url.startsWith(PURGE);
}
