import type { CacheResult, CacheRule } from '../contract/cache.ts';

/** What the cache did with a request (RFC 9211 2). Times are in seconds. */
export interface CacheOutcome {
  readonly hit?: boolean;
  /** Why the target was asked. */
  readonly forwarded?: 'miss' | 'uri-miss' | 'vary-miss' | 'stale' | 'method' | 'bypass';
  /** Until the response is stale; negative: since then. */
  readonly ttlS?: number;
  /** The status of the target, if it is not the one that is sent. */
  readonly forwardedStatus?: number;
  readonly isStored?: boolean;
  /** Another request was waited for. */
  readonly isCollapsed?: boolean;
  readonly detail?: string;
  /** 'hit': it is from the durable tier. 'stored': it will be in it. */
  readonly durable?: 'hit' | 'stored';
}

/** For metrics. */
export function toCacheResult({ hit, isCollapsed, forwarded, isStored }: CacheOutcome): CacheResult {
  if (!hit) return isStored ? 'miss' : 'pass';
  if (isCollapsed) return 'collapsed';
  return forwarded === 'stale' ? 'stale' : 'hit';
}

/**
 * The value of `Cache-Status`, after that of the caches `before` this one. The platform's packages know only the names "Netlify Edge" and "Netlify Durable",
 * and split at each comma and semicolon.
 */
export function toCacheStatus(before: string, names: CacheRule['names'], outcome: CacheOutcome): string {
  const own = names === 'netlify' ? toNetlifyMembers(outcome) : `nexthop${toParameters(outcome)}`;
  return before === '' ? own : `${before}, ${own}`;
}

/** The edge of the platform says no times; its durable cache does. */
function toNetlifyMembers({
  hit = false,
  forwarded,
  ttlS,
  detail,
  isCollapsed = false,
  durable,
}: CacheOutcome): string {
  const isFromEdge = hit && durable === undefined;
  const reason = isFromEdge || forwarded !== undefined ? toEdgeReason(forwarded) : 'miss';
  const edge = toParameters({
    hit: isFromEdge,
    isCollapsed,
    ...(reason !== undefined && { forwarded: reason }),
    ...(detail !== undefined && { detail }),
  });
  if (durable === undefined) return `"Netlify Edge"${edge}`;
  const times = ttlS === undefined ? {} : { ttlS };
  const isHit = durable === 'hit';
  const ofDurable = toParameters(
    { hit: isHit, ...(!isHit && forwarded && { forwarded }), isStored: !isHit, ...times },
    'stored=true',
  );
  return `"Netlify Durable"${ofDurable}, "Netlify Edge"${edge}`;
}

/** The edge does not say which part of the key was not found. */
function toEdgeReason(forwarded: CacheOutcome['forwarded']): CacheOutcome['forwarded'] {
  return forwarded === 'uri-miss' || forwarded === 'vary-miss' ? 'miss' : forwarded;
}

function toParameters(outcome: CacheOutcome, stored = 'stored'): string {
  const { hit, forwarded, forwardedStatus, ttlS, isStored, isCollapsed, detail } = outcome;
  let text = '';
  if (hit) text += '; hit';
  if (forwarded !== undefined) text += `; fwd=${forwarded}`;
  if (forwardedStatus !== undefined) text += `; fwd-status=${forwardedStatus}`;
  if (isStored) text += `; ${stored}`;
  if (isCollapsed) text += '; collapsed';
  if (ttlS !== undefined) text += `; ttl=${ttlS}`;
  if (detail !== undefined) text += `; detail=${detail}`;
  return text;
}
