import type { CacheResult } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import { OWN_PAGE } from '../contract/own-page.ts';

export const ANSWERED_BY = [
  'function',
  'file',
  'page',
  'cache',
  'redirect',
  'gate',
  'hop',
  'fault',
  'nexthop',
] as const;
export type AnsweredBy = (typeof ANSWERED_BY)[number];

/** The step of filters, and of redirects (src/contract/route.ts). */
const FILTER_STEP = 1;
const PAGE_STEP = 5;
const REDIRECT_STEP = 6;

const FROM_CACHE: ReadonlySet<CacheResult> = new Set(['hit', 'stale', 'collapsed']);

/** The kind of what answered, as a label. `status`: of the response. */
export function toAnsweredBy({ fault, step, isFile, cacheResult }: Exchange, status: number): AnsweredBy {
  if (fault && fault.code !== 'client_left') return 'fault';
  if (isFile) return 'file';
  if (cacheResult !== undefined && FROM_CACHE.has(cacheResult)) return 'cache';
  if (step === OWN_PAGE) return 'nexthop';
  if (step === 0) return 'hop';
  const isRedirect = status >= 300 && status < 400;
  if (step === FILTER_STEP || step === REDIRECT_STEP) return isRedirect || step === REDIRECT_STEP ? 'redirect' : 'gate';
  return step === PAGE_STEP ? 'page' : 'function';
}

/** The pattern of the route as a label, or the kind of answer; never a path. */
export function toRoute({ route, step, fault }: Exchange, answeredBy: AnsweredBy): string {
  if (step === 0 && (fault?.origin === 'hop' || fault?.code === 'hop_busy')) return 'hop';
  if (answeredBy === 'file') return 'files';
  if (route !== '') return route;
  if (step === OWN_PAGE) return 'nexthop';
  // That of a route has its pattern.
  if (fault?.code === 'rate_limited') return 'site';
  return answeredBy === 'cache' ? 'hop' : answeredBy;
}
