import { awslambda } from './awslambda.ts';
import type { Context } from './context.ts';
import { requestStore } from './request-store.ts';

/** The global of the platform. */
export interface NetlifyGlobal {
  /** Of the call that the asking code is part of; null outside of any. */
  readonly context: Context | null;
  /** The variables of the process, as they are at the time. */
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
 * Defines the globals of the platform, before code of users is loaded: `Netlify`, `awslambda`, and the store of `getContext()`. They belong to no site, so
 * several sites in one process share them; a further call changes nothing. `URLPattern`, which the platform adds, is Node's own.
 */
export function installGlobals(processEnv: NodeJS.ProcessEnv): void {
  guardPurge();
  if (Reflect.get(globalThis, 'Netlify') instanceof NetlifyRuntime) return;
  for (const [name, value] of Object.entries({ Netlify: new NetlifyRuntime(processEnv), awslambda })) {
    // Writable, like the property of a polyfill, so that tests of users can replace it.
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

class NetlifyRuntime implements NetlifyGlobal {
  declare readonly context: Context | null;
  readonly env: NetlifyEnv;

  constructor(processEnv: NodeJS.ProcessEnv) {
    // A property of its own, and the first: user code lists and spreads the global.
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

/** Where `purgeCache()` of `@netlify/functions` sends its wish. */
const PURGE = 'https://api.netlify.com/api/v1/purge';

const GUARDED = Symbol.for('nexthop.purge-guard');

/**
 * Keeps `purgeCache()` from telling Netlify, with the site's token, to forget what is not kept there: nexthop keeps no answers that could be
 * purged, and whoever asks for it is told. Every other `fetch` goes through as it is.
 */
function guardPurge(): void {
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

/** Of what is no address, `fetch` itself says so. */
function isPurge(input: unknown): boolean {
  const { href, url = href } = (input ?? {}) as { readonly href?: unknown; readonly url?: unknown }; // each is looked at
  return String(typeof input === 'string' ? input : url).startsWith(PURGE);
}
