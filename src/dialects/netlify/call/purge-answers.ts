import { toFault } from '../../../contract/fault.ts';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import type { Purging } from '../../../contract/purging.ts';
import { hasBearer, readPurge } from '../../../http/purge-request.ts';
import { requestStore } from './request-store.ts';

/** Where `purgeCache()` of `@netlify/functions` sends its request. */
const HOST = 'api.netlify.com';
const HAS_HOST = /api\.netlify\.com/i;
const PATH = '/api/v1/purge';

/** The sites in this process whose code may purge, by token. Weak, because a site may be closed. */
type Purgers = Map<string, WeakRef<Purging>>;

const PURGERS = Symbol.for('nexthop.purgers');

/**
 * Makes the global `fetch` answer the requests of `purgeCache()` in this process, because the responses of the site are cached
 * here and not at Netlify. Every other `fetch` passes unchanged. `userToken`: one that the operator has set for the API of the
 * platform; it is accepted, too. Must run before code of the site loads.
 */
export function answerPurges(purging?: Purging, userToken = ''): void {
  const scope = globalThis as { [PURGERS]?: Purgers };
  scope[PURGERS] ??= new Map();
  const sites = scope[PURGERS];
  if (purging) {
    const site = new WeakRef(purging);
    for (const token of [purging.token, userToken]) if (token !== '') sites.set(token, site);
  }
  wrapFetch('nexthop.purge-guard', (unguarded) => (input, init) => {
    return isPurge(input) ? answer(sites, input, init) : unguarded(input, init);
  });
}

/** False for an invalid URL: `fetch` itself rejects it. */
function isPurge(input: unknown): boolean {
  const { href, url = href } = (input ?? {}) as { readonly href?: unknown; readonly url?: unknown }; // both are checked below
  const text = typeof input === 'string' ? input : url;
  if (typeof text !== 'string' || !HAS_HOST.test(text)) return false;
  const parsed = URL.parse(text);
  return parsed?.hostname === HOST && parsed.pathname === PATH;
}

/** With the statuses of the platform. Sends nothing to it. */
async function answer(sites: Purgers, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const request = new Request(input, init);
  const authorization = request.headers.get('authorization');
  const [, site] = [...sites].find(([token]) => hasBearer(authorization, [token])) ?? [];
  // Sites of one process share its environment, so the token may be that of another one.
  const purging = site && (requestStore().getStore()?.purging ?? site.deref());
  if (!purging) return new Response(null, { status: request.method === 'POST' ? 401 : 405 });
  try {
    await purging.purge(readPurge(await request.text()));
    return new Response(null, { status: 202 });
  } catch (error) {
    const { status, message } = toFault(error);
    return Response.json({ code: status, message }, { status });
  }
}
