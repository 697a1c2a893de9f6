import { type CurrentCall, installCaches } from '../cache/api/cache-storage.ts';
import type { CachesCall, SiteCaches } from '../cache/api/site-caches.ts';
import type { SiteCode } from '../contract/site-code.ts';
import { currentCall, currentCode, type SiteCall } from '../process/site-calls.ts';

/** The caches of all sites in this process. */
interface Offers {
  /** By the code that may use them; undefined for code of a site without. */
  readonly byCode: WeakMap<SiteCode, SiteCaches | undefined>;
  readonly calls: WeakMap<SiteCall, CachesCall>;
  /** For code that is not known, e.g. that of a build. */
  latest: WeakRef<SiteCaches> | undefined;
}

const OFFERS = Symbol.for('nexthop.caches');

/** Defines the Cache API. Must run before code of the site loads. Nothing is found or stored before `offerCaches`. */
export function prepareCaches(): void {
  installCaches(() => findCall(openOffers()));
}

/** From now on code of a site uses these caches in its calls, or none. */
export function offerCaches(caches: SiteCaches | undefined, codes: Iterable<SiteCode>): void {
  const offers = openOffers();
  for (const code of codes) offers.byCode.set(code, caches);
  if (caches) offers.latest = new WeakRef(caches);
}

/** One for the process, also if nexthop is loaded twice. */
function openOffers(): Offers {
  const scope = globalThis as { [OFFERS]?: Offers };
  scope[OFFERS] ??= { byCode: new WeakMap(), calls: new WeakMap(), latest: undefined };
  return scope[OFFERS];
}

function findCall({ byCode, calls, latest }: Offers): CurrentCall | undefined {
  const siteCall = currentCall();
  if (!siteCall || siteCall.isLoad) return undefined;
  const code = currentCode();
  const caches = code && byCode.has(code) ? byCode.get(code) : latest?.deref();
  if (!caches) return undefined;
  let call = calls.get(siteCall);
  if (!call) {
    const { calledCode: name, passes = 0 }: SiteCall & { readonly passes?: number } = siteCall;
    call = { name, lookUps: 0, writes: 0, passes, askedAtMs: caches.bans.nowMs() - ageOf(siteCall) };
    calls.set(siteCall, call);
  }
  return { call, caches };
}

/** Milliseconds since a request began; 0 for a job. */
function ageOf(call: SiteCall & { readonly startedAtMs?: number }): number {
  return call.startedAtMs === undefined ? 0 : Math.max(0, performance.now() - call.startedAtMs);
}
