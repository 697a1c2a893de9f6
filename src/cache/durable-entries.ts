import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bans, CacheEntry, CacheTier } from '../contract/cache.ts';
import type { Variation } from './policy/variation.ts';

/** A look-up that takes longer is a miss. */
const READ_MS = 50;

/** An entry may come from the future by this much, because clocks of two processes are compared over the network. */
const EARLY_MS = 1000;

export interface DurableEntriesParts {
  readonly tier: CacheTier;
  readonly bans: Bans;
  /** Names the version of the site, the same for all processes that serve it. Called at the first use. */
  readonly findVersion: () => Promise<string>;
  /** Called when an entry could not be written. */
  readonly onFailure: (error: unknown) => void;
}

/** Where an entry belongs. */
export interface DurablePlace {
  /** Without what tells the variants of the URL apart. */
  readonly urlKey: string;
  readonly toVariantKey: (variation: Variation) => string;
}

export interface DurableEntry {
  readonly entry: CacheEntry;
  /** What tells the variants of the URL apart. */
  readonly variation: Variation;
  /** The entry is valid for each version of the site. */
  readonly isOfAllVersions: boolean;
}

/** How entries are found that are valid for each version of the site. */
const ALL_VERSIONS = '~';

/**
 * Entries that outlive the process. A URL has one value that says what tells its variants apart, and one value for each
 * variant. A store that is slow or away makes each look-up a miss.
 */
export class DurableEntries {
  readonly #parts: DurableEntriesParts;

  constructor(parts: DurableEntriesParts) {
    this.#parts = parts;
  }

  /** Undefined if there is none that may be used, or the store has not replied within 50 ms. Never rejects. */
  async find(place: DurablePlace): Promise<DurableEntry | undefined> {
    const over = new AbortController();
    const late = delay(READ_MS, undefined, { signal: over.signal, ref: false });
    try {
      return await Promise.race([this.#find(place), late]);
    } catch {
      // The store is away and says so itself.
      return undefined;
    } finally {
      over.abort();
    }
  }

  /** False only if there surely is no entry: then nothing needs to be looked up or removed. */
  get isUsed(): boolean {
    return this.#parts.tier.isUsed;
  }

  /** Writes an entry. Never rejects. */
  async store(
    { urlKey, toVariantKey }: DurablePlace,
    { entry, variation, isOfAllVersions }: DurableEntry,
  ): Promise<void> {
    const { tier, bans, onFailure } = this.#parts;
    try {
      await bans.know();
      const askedAtMs = bans.toSharedMs(entry.askedAtMs);
      const keepMs = entry.bornAtMs - bans.nowMs() + usefulMs(entry);
      // An entry whose time is not known could outlive its purge.
      if (keepMs <= 0 || askedAtMs === undefined) return;
      const version = isOfAllVersions ? ALL_VERSIONS : await this.#parts.findVersion();
      const before = await this.#findUrl(version, urlKey);
      // Variants by another rule, and those of a URL that was removed, must not be found again.
      const isSame = before !== undefined && JSON.stringify(before.variation) === JSON.stringify(variation);
      const name = isSame ? before.name : randomBytes(9).toString('base64url');
      const url: DurableUrl = { name, variation };
      // The entry first: a URL without one costs a second look-up for nothing.
      const value = writeEntry({ ...entry, askedAtMs, bornAtMs: entry.bornAtMs - entry.askedAtMs + askedAtMs });
      await tier.write(toKey('e', version, urlKey, name, toVariantKey(variation)), value, keepMs);
      await tier.write(toKey('u', version, urlKey), Buffer.from(JSON.stringify(url)), keepMs);
    } catch (error) {
      onFailure(error);
    }
  }

  /** Makes all entries of a URL unreachable. False if there surely was none. Never rejects. */
  async remove(urlKey: string): Promise<boolean> {
    const { tier, onFailure } = this.#parts;
    try {
      const versions = [await this.#parts.findVersion(), ALL_VERSIONS];
      return await tier.delete(versions.map((version) => toKey('u', version, urlKey)));
    } catch (error) {
      onFailure(error);
      return true;
    }
  }

  /** False if another process computes the entry. True if the store does not reply in time. Never rejects. */
  async lock({ urlKey }: DurablePlace, variantKey: string, leaseMs: number): Promise<boolean> {
    const over = new AbortController();
    const late = delay(READ_MS, true, { signal: over.signal, ref: false });
    try {
      return await Promise.race([this.#parts.tier.lock(toKey('l', urlKey, variantKey), leaseMs), late]);
    } catch {
      // Without the store each process computes its own.
      return true;
    } finally {
      over.abort();
    }
  }

  async #find(place: DurablePlace): Promise<DurableEntry | undefined> {
    const version = await this.#parts.findVersion();
    const found = await Promise.all([this.#findIn(version, place), this.#findIn(ALL_VERSIONS, place)]);
    return found[0] ?? found[1];
  }

  async #findUrl(version: string, urlKey: string): Promise<DurableUrl | undefined> {
    const value = await this.#parts.tier.read(toKey('u', version, urlKey));
    return value && JSON.parse(Buffer.from(value).toString()); // written by `store`
  }

  async #findIn(version: string, { urlKey, toVariantKey }: DurablePlace): Promise<DurableEntry | undefined> {
    const { tier, bans } = this.#parts;
    const beganAtMs = bans.nowMs();
    const url = await this.#findUrl(version, urlKey);
    if (!url) return undefined;
    const { name, variation } = url;
    const value = await tier.read(toKey('e', version, urlKey, name, toVariantKey(variation)));
    const entry = value && readEntry(value);
    if (!entry || bans.isBannedInStore(entry.tags, entry.askedAtMs)) return undefined;
    const nowMs = bans.nowMs();
    const bornAtMs = bans.fromSharedMs(entry.bornAtMs);
    // The shared clock was set back since, so the age is not known.
    if (bornAtMs > nowMs + EARLY_MS || bornAtMs + usefulMs(entry) <= nowMs) return undefined;
    // All bans are known that were made before the look-up; from now on it is an entry of this process.
    const ours = { ...entry, askedAtMs: beganAtMs, bornAtMs: Math.min(bornAtMs, nowMs) };
    return { entry: ours, variation, isOfAllVersions: version === ALL_VERSIONS };
  }
}

/** What all variants of a URL have in common. */
interface DurableUrl {
  /** Part of the keys of its variants. */
  readonly name: string;
  readonly variation: Variation;
}

/** How long it may be of use, from its birth. */
function usefulMs({ lifetimeMs, staleWhileRevalidateMs, staleIfErrorMs }: CacheEntry): number {
  return lifetimeMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

/** Keys have no line breaks of their own but in the parts of a variant, which is last. */
function toKey(kind: 'u' | 'e' | 'l', ...parts: readonly string[]): string {
  return `${kind}:${createHash('sha256').update(parts.join('\n')).digest('base64url')}`;
}

/** Of the form of the bytes. Entries of another form are no entries. */
const FORM = 2;

/** Before the head: its form and its length, and the length of the body. */
const PREFIX_BYTES = 9;

/** An entry as bytes: prefix, head as JSON, body. */
function writeEntry({ body, ...head }: CacheEntry): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(FORM, 0);
  prefix.writeUInt32LE(text.length, 1);
  prefix.writeUInt32LE(body.length, 5);
  return Buffer.concat([prefix, text, body]);
}

/** Undefined for bytes that are no whole entry. */
function readEntry(bytes: Uint8Array): CacheEntry | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < PREFIX_BYTES || buffer.readUInt8(0) !== FORM) return undefined;
  const headEnd = PREFIX_BYTES + buffer.readUInt32LE(1);
  if (buffer.length !== headEnd + buffer.readUInt32LE(5)) return undefined;
  const head: Omit<CacheEntry, 'body'> = JSON.parse(buffer.toString('utf8', PREFIX_BYTES, headEnd)); // written by writeEntry
  return { ...head, body: buffer.subarray(headEnd) };
}
