import { setTimeout as delay } from 'node:timers/promises';
import type { Bans, CacheEntry, CacheRule } from '../../contract/cache.ts';
import type { DurableEntries, DurablePlace } from '../durable-entries.ts';
import { readStorable, type StorableResponse } from '../policy/storable-response.ts';
import type { Variation } from '../policy/variation.ts';
import { toVariantKey } from '../request-key.ts';

export interface SiteCachesParts {
  readonly entries: DurableEntries;
  readonly bans: Bans;
  /** Of one body. */
  readonly objectBytes: number;
  readonly log: { warn(message: string, details: Readonly<Record<string, unknown>>): void };
}

/** One call of a function, as far as it uses caches. */
export interface CachesCall {
  /** The file of the function. */
  readonly name: string;
  lookUps: number;
  writes: number;
  /** Of its request; 0 for a job. See `CacheEntry.passes`. */
  readonly passes: number;
  /** When the call began, or first used a cache. What it stores may have been computed since then. */
  readonly askedAtMs: number;
}

/** Limits of the platform for one call. What is beyond them finds and does nothing. */
const MOST_LOOK_UPS = 100;
const MOST_WRITES = 20;

/** A function does not wait longer until its response is stored. */
const WRITE_MS = 50;

const RULE: CacheRule = { fields: 'all', names: 'netlify' };

/** The responses that functions of a site store by the Cache API. */
export class SiteCaches {
  readonly #parts: SiteCachesParts;
  /** By URL: responses that are being stored. */
  readonly #writes = new Map<string, Promise<unknown>>();

  constructor(parts: SiteCachesParts) {
    this.#parts = parts;
  }

  get bans(): Bans {
    return this.#parts.bans;
  }

  /** Undefined if there is none that is fresh, or stale for less than its `stale-while-revalidate`. Never rejects. */
  async match(call: CachesCall, cacheName: string, request: Request): Promise<Response | undefined> {
    if (++call.lookUps > MOST_LOOK_UPS) return undefined;
    const found = await this.#parts.entries.find(toPlace(cacheName, request));
    if (!found || found.entry.passes > call.passes) return undefined;
    const { entry } = found;
    const ageMs = Math.max(0, this.#parts.bans.nowMs() - entry.bornAtMs);
    const leftMs = entry.lifetimeMs - ageMs;
    if (leftMs <= -entry.staleWhileRevalidateMs) return undefined;
    return toResponse(entry, ageMs, leftMs);
  }

  /** The response may be stored or refused, which is logged. It is stored later if the store is slow. Rejects as reading its body does. */
  async put(call: CachesCall, cacheName: string, request: Request, response: Response): Promise<void> {
    if (++call.writes > MOST_WRITES) return;
    const headers = [...response.headers].filter(([name]) => !NOT_STORED.has(name)).flat();
    const storable = judge([...response.headers].flat());
    if (typeof storable === 'string') return this.#refuse(call, request, storable);
    const body = await readWhole(response, this.#parts.objectBytes);
    if (!body) return this.#refuse(call, request, 'too-large');
    const entry = this.#toEntry(call, { storable, headers, body, status: response.status });
    const { variation } = storable;
    const place = toPlace(cacheName, request);
    const stored = this.#parts.entries.store(place, { entry, variation, isOfAllVersions: false });
    await this.#waitFor(place.urlKey, stored);
  }

  /** Resolves when the response is removed, or the store has failed. Never rejects. */
  async delete(call: CachesCall, cacheName: string, request: Request): Promise<void> {
    if (++call.writes > MOST_WRITES) return;
    const { urlKey } = toPlace(cacheName, request);
    // What is stored after the removal would be found again.
    await this.#writes.get(urlKey);
    await this.#parts.entries.remove(urlKey);
  }

  async #waitFor(urlKey: string, stored: Promise<void>): Promise<void> {
    const write = Promise.all([this.#writes.get(urlKey), stored]).finally(() => {
      if (this.#writes.get(urlKey) === write) this.#writes.delete(urlKey);
    });
    this.#writes.set(urlKey, write);
    const over = new AbortController();
    const late = delay(WRITE_MS, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([write, late]);
    over.abort();
  }

  #toEntry(call: CachesCall, stored: Stored): CacheEntry {
    const { storable, headers, body, status } = stored;
    return {
      status,
      headers,
      body,
      tags: storable.tags,
      askedAtMs: call.askedAtMs,
      bornAtMs: this.#parts.bans.nowMs() - storable.ageMs,
      lifetimeMs: storable.lifetimeMs,
      staleWhileRevalidateMs: storable.staleWhileRevalidateMs,
      staleIfErrorMs: 0,
      isDurable: true,
      passes: call.passes,
    };
  }

  #refuse({ name }: CachesCall, { url }: Request, reason: string): void {
    this.#parts.log.warn(`a response was not stored by the Cache API: ${REASONS[reason] ?? reason}`, {
      target: name,
      url,
    });
  }
}

interface Stored {
  readonly storable: StorableResponse;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly status: number;
}

/** They describe the bytes of the connection, and are of one client. */
const NOT_STORED: ReadonlySet<string> = new Set([
  'cookie',
  'content-encoding',
  'content-length',
  'cache-status',
  'age',
]);

const REASONS: Readonly<Record<string, string>> = {
  'no-lifetime': 'its Cache-Control has no max-age or s-maxage of at least 1',
  'no-store': 'its Cache-Control has no-store',
  private: 'its Cache-Control has private',
  'no-cache': 'its Cache-Control has no-cache',
  'set-cookie': 'it sets a cookie',
  'event-stream': 'it is a stream of events',
  vary: 'its Vary has "*" or too many names',
  'netlify-vary': 'its Netlify-Vary has an unknown or a forbidden instruction',
  'too-large': 'its body is larger than CACHE_OBJECT_LIMIT',
};

/** All statuses of success are stored, as on the platform. */
function judge(headers: readonly string[]): StorableResponse | string {
  const storable = readStorable(200, headers, RULE);
  if (typeof storable === 'string') return storable;
  if (storable.directives.noCache) return 'no-cache';
  return storable.lifetimeMs < 1000 ? 'no-lifetime' : storable;
}

/** Undefined if it is longer than the limit. */
async function readWhole(response: Response, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toPlace(cacheName: string, { url, headers }: Request): DurablePlace {
  const { origin, pathname, search } = new URL(url);
  const request = { get: (name: string) => headers.get(name) ?? undefined };
  const asked = { request, target: `${pathname}${search}`, answeredBy: '' };
  return {
    urlKey: `api ${JSON.stringify(cacheName)} ${origin}${pathname}`,
    toVariantKey: (variation: Variation) => toVariantKey(asked, variation, {}),
  };
}

function toResponse({ status, headers, body }: CacheEntry, ageMs: number, leftMs: number): Response {
  const response = new Response(hasNoBody(status) ? null : new Uint8Array(body), { status });
  for (let at = 0; at < headers.length; at += 2) response.headers.append(headers[at] ?? '', headers[at + 1] ?? '');
  const detail = leftMs > 0 ? '' : '; detail=client-revalidate';
  response.headers.set('cache-status', `"Netlify Durable"; hit; ttl=${Math.ceil(leftMs / 1000)}${detail}`);
  response.headers.set('age', String(Math.floor(ageMs / 1000)));
  return response;
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205;
}
