import { wrapFetch } from '../../../contract/own-fetch.ts';
import { awslambda } from './awslambda.ts';
import type { Context } from './context.ts';
import { requestStore } from './request-store.ts';

/** The type of the global `Netlify`. */
export interface NetlifyGlobal {
  /** The context of the call in which the calling code runs; null outside of any call. */
  readonly context: Context | null;
  /** The current environment variables of the process. */
  readonly env: NetlifyEnv;
}

export interface NetlifyEnv {
  get(name: string): string | undefined;
  /** False for an empty value too, as on the platform. */
  has(name: string): boolean;
  set(name: string, value: string): void;
  delete(name: string): void;
  toObject(): Record<string, string>;
}

/**
 * Defines the globals of the platform: `Netlify`, `awslambda`, and the store of `getContext()`.
 * Must run before user code loads. All sites in one process share them; a further call changes
 * nothing. `URLPattern`, which the platform adds, is built into Node.
 */
export function installGlobals(processEnv: NodeJS.ProcessEnv): void {
  guardPurge();
  if (Reflect.get(globalThis, 'Netlify') instanceof NetlifyRuntime) return;
  for (const [name, value] of Object.entries({ Netlify: new NetlifyRuntime(processEnv), awslambda })) {
    // Writable, as a polyfill would define it, so that users' tests can replace it.
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

class NetlifyRuntime implements NetlifyGlobal {
  declare readonly context: Context | null;
  readonly env: NetlifyEnv;

  constructor(processEnv: NodeJS.ProcessEnv) {
    // An own enumerable property and the first one, because user code lists and spreads the global.
    Object.defineProperty(this, 'context', {
      get: () => requestStore().getStore()?.context ?? null,
      enumerable: true,
      configurable: true,
    });
    this.env = {
      get: (name) => processEnv[name],
      has: (name) => Boolean(processEnv[name]),
      set: (name, value) => {
        processEnv[name] = value;
      },
      delete: (name) => {
        delete processEnv[name];
      },
      toObject: () => ({ ...processEnv }) as Record<string, string>, // its entries are all set
    };
  }
}

/** The endpoint that `purgeCache()` of `@netlify/functions` calls. */
const PURGE = 'https://api.netlify.com/api/v1/purge';

/**
 * Makes the global `fetch` reject requests of `purgeCache()`. With the site's token such a request
 * would purge the cache at Netlify, not here: nexthop caches no responses. Every other `fetch`
 * passes unchanged.
 */
function guardPurge(): void {
  wrapFetch('nexthop.purge-guard', (unguarded) => (input, init) => {
    if (isPurge(input)) return Promise.reject(new Error(REFUSAL));
    return unguarded(input, init);
  });
}

const REFUSAL =
  'purgeCache() has nothing to purge: nexthop caches no responses. The request to api.netlify.com was not sent; ' +
  'it would have purged the cache at Netlify, which is not in use here.';

/** False for an invalid URL: `fetch` itself rejects it. */
function isPurge(input: unknown): boolean {
  const { href, url = href } = (input ?? {}) as { readonly href?: unknown; readonly url?: unknown }; // both are checked below
  return String(typeof input === 'string' ? input : url).startsWith(PURGE);
}
