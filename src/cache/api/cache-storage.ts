import type { CachesCall, SiteCaches } from './site-caches.ts';

/** The call in which the calling code runs, with the caches of its site. */
export interface CurrentCall {
  readonly call: CachesCall;
  readonly caches: SiteCaches;
}

/** Undefined outside of a call: then nothing is found, and nothing is stored. */
export type FindCall = () => CurrentCall | undefined;

type Asked = string | URL | Request;

interface MatchOptions {
  readonly ignoreMethod?: boolean;
  readonly cacheName?: string;
}

/** Only code of nexthop may create a cache. */
const KEY = Symbol('nexthop.cache');

/**
 * The Cache API of the web (https://w3c.github.io/ServiceWorker/#cache-interface), as Netlify's functions have it: `keys` finds nothing, `delete` is
 * always true, and a response is stored only with a lifetime in its headers.
 */
export class Cache {
  readonly #name: string;
  readonly #findCall: FindCall;

  constructor(key: typeof KEY, name: string, findCall: FindCall) {
    if (key !== KEY) throw new TypeError('Illegal constructor');
    this.#name = name;
    this.#findCall = findCall;
  }

  async match(request: Asked, options: MatchOptions = {}): Promise<Response | undefined> {
    const asked = toRequest(request);
    if (asked.method !== 'GET' && !options.ignoreMethod) return undefined;
    const current = this.#findCall();
    return current?.caches.match(current.call, this.#name, asked);
  }

  async matchAll(request?: Asked, options?: MatchOptions): Promise<readonly Response[]> {
    if (request === undefined) return [];
    const found = await this.match(request, options);
    return found ? [found] : [];
  }

  async put(request: Asked, response: Response): Promise<void> {
    const asked = toRequest(request);
    if (!response.ok) throw new TypeError(`Cannot cache response with status ${response.status}.`);
    if (asked.method !== 'GET') throw new TypeError(`Cannot cache response to ${asked.method} request.`);
    if (response.status === 206) throw new TypeError('Cannot cache response to a range request (206 Partial Content).');
    if (response.headers.get('vary')?.includes('*'))
      throw new TypeError("Cannot cache response with 'Vary: *' header.");
    if (response.bodyUsed) throw new TypeError('Cannot cache response whose body was already used.');
    const current = this.#findCall();
    await current?.caches.put(current.call, this.#name, asked, response);
  }

  async add(request: Asked): Promise<void> {
    const asked = toRequest(request);
    await this.put(asked, await fetch(asked));
  }

  /** Rejects if one of them cannot be stored; the others may be. */
  async addAll(requests: Iterable<Asked>): Promise<void> {
    await Promise.all([...requests].map((request) => this.add(request)));
  }

  async delete(request: Asked): Promise<boolean> {
    const asked = toRequest(request);
    const current = this.#findCall();
    await current?.caches.delete(current.call, this.#name, asked);
    return true;
  }

  async keys(): Promise<readonly Request[]> {
    return [];
  }
}

/** Throws a TypeError for what no cache may hold. */
function toRequest(input: Asked): Request {
  const request = input instanceof Request ? input : new Request(input);
  if (!/^https?:/i.test(request.url)) {
    const { protocol } = new URL(request.url);
    throw new TypeError(
      `Cannot cache response for URL with unsupported protocol (${protocol}). Supported protocols are http:, https:.`,
    );
  }
  return request;
}

/** The global `caches`. */
export class CacheStorage {
  readonly #findCall: FindCall;
  /** By name. They hold nothing: the responses are in the store of the site. */
  readonly #opened = new Map<string, Cache>();

  constructor(key: typeof KEY, findCall: FindCall) {
    if (key !== KEY) throw new TypeError('Illegal constructor');
    this.#findCall = findCall;
  }

  /** The cache without a name of other platforms. */
  get default(): Cache {
    return this.#open('default');
  }

  async open(name: string): Promise<Cache> {
    return this.#open(String(name));
  }

  async has(name: string): Promise<boolean> {
    return this.#opened.has(String(name));
  }

  /** Its responses stay in the store, and are found when it is opened again, as on the platform. */
  async delete(name: string): Promise<boolean> {
    return this.#opened.delete(String(name));
  }

  async keys(): Promise<readonly string[]> {
    return [...this.#opened.keys()];
  }

  async match(request: Asked, { cacheName, ...options }: MatchOptions = {}): Promise<Response | undefined> {
    const caches = cacheName === undefined ? [...this.#opened.values()] : [this.#opened.get(cacheName)];
    for (const cache of caches) {
      const found = await cache?.match(request, options);
      if (found) return found;
    }
    return undefined;
  }

  #open(name: string): Cache {
    let cache = this.#opened.get(name);
    if (!cache) {
      cache = new Cache(KEY, name, this.#findCall);
      this.#opened.set(name, cache);
    }
    return cache;
  }
}

/**
 * Defines the globals `caches`, `Cache` and `CacheStorage`, unless something has defined `caches` before. Must run before code of the site loads. They can be
 * replaced, e.g. by a polyfill.
 */
export function installCaches(findCall: FindCall): void {
  if ('caches' in globalThis) return;
  const caches = new CacheStorage(KEY, findCall);
  for (const [name, value] of Object.entries({ caches, Cache, CacheStorage })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}
