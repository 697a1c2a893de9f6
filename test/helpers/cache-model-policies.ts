/** What the target says about its response, and what the model knows by that. */
export interface Policy {
  readonly status: number;
  readonly headers: readonly string[];
  /** Seconds; undefined: it must not be stored. */
  readonly lifetimeS?: number;
  /** Seconds for which a stale one may be sent. */
  readonly staleS?: number;
  /** The same if the target fails. */
  readonly failureS?: number;
  /** It may be stored for requests with Authorization. */
  readonly isForAll?: boolean;
  readonly hasTag?: boolean;
  /** What tells its variants apart, besides `x-a`. Default: the whole query. */
  readonly variesBy?: 'cookie' | 'x of the query';
}

export const POLICIES: readonly Policy[] = [
  { status: 200, headers: ['Cache-Control', 'max-age=5'], lifetimeS: 5, hasTag: true },
  { status: 404, headers: ['CDN-Cache-Control', 'public, max-age=9'], lifetimeS: 9, isForAll: true },
  {
    status: 200,
    headers: ['Cache-Control', 's-maxage=2, stale-while-revalidate=4'],
    ...{ lifetimeS: 2, staleS: 4, isForAll: true, hasTag: true },
  },
  { status: 200, headers: ['Cache-Control', 'max-age=3, stale-if-error=9'], lifetimeS: 3, failureS: 9, hasTag: true },
  {
    status: 200,
    headers: ['Cache-Control', 'max-age=4, must-revalidate, stale-while-revalidate=9'],
    ...{ lifetimeS: 4, isForAll: true },
  },
  {
    status: 200,
    headers: ['Cache-Control', 'max-age=8', 'Netlify-Vary', 'query=x'],
    ...{ lifetimeS: 8, variesBy: 'x of the query' },
  },
  {
    status: 200,
    headers: ['Cache-Control', 'max-age=8, stale-while-revalidate=4', 'Netlify-Vary', 'cookie=c'],
    ...{ lifetimeS: 8, staleS: 4, variesBy: 'cookie' },
  },
  { status: 200, headers: ['Cache-Control', 'private, max-age=5'] },
  { status: 200, headers: ['Cache-Control', 'max-age=5', 'Set-Cookie', 'a=b'] },
  { status: 500, headers: ['Cache-Control', 'max-age=5'] },
  { status: 200, headers: [] },
];
