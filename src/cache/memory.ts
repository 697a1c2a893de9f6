import { LRUCache } from 'lru-cache';
import type { KeptAnswer } from './kept-answer.ts';
import type { Variation } from './policy/variation.ts';

export interface MemoryLimits {
  /** Of all entries together. */
  readonly totalBytes: number;
}

/** URLs. More would make garbage collections long; at this number the entries are small. */
const MOST_URLS = 10_000;
/** A header that many clients vary must not fill the memory with one page. */
const MOST_VARIANTS = 50;

/** All entries of one URL, and what tells them apart. */
export interface KeptUrl {
  readonly variation: Variation;
  readonly variants: Map<string, KeptAnswer>;
}

export interface NewVariant {
  readonly kept: KeptAnswer;
  /** What its own head says. */
  readonly variation: Variation;
  /** Makes its key from what tells the variants of its URL apart. */
  readonly toKey: (variation: Variation) => string;
  readonly nowMs: number;
}

/** The entries in the memory of this process. The URLs that were not used for the longest time make room. */
export class Memory {
  readonly #urls: LRUCache<string, KeptUrl>;

  constructor({ totalBytes }: MemoryLimits) {
    this.#urls = new LRUCache({ max: MOST_URLS, maxSize: totalBytes, sizeCalculation: toSize });
  }

  get isEmpty(): boolean {
    return this.#urls.size === 0;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#urls.calculatedSize;
  }

  /** The last used URLs first. */
  list(): Iterable<readonly [primaryKey: string, url: KeptUrl]> {
    return this.#urls.entries();
  }

  find(primaryKey: string): KeptUrl | undefined {
    return this.#urls.get(primaryKey);
  }

  /**
   * Adds or replaces a variant. The first response of a URL says what tells its variants apart. A later one that names more of the request removes all others:
   * they may have been given to requests that they do not fit. False if the URL has too many variants.
   */
  keep(primaryKey: string, { kept, variation, toKey, nowMs }: NewVariant): boolean {
    const before = this.#urls.peek(primaryKey);
    const isFitting = before && includes(before.variation, variation);
    const all = before && !isFitting ? merge(before.variation, variation) : (before?.variation ?? variation);
    const variants = isFitting ? before.variants : new Map<string, KeptAnswer>();
    const key = toKey(all);
    if (!variants.has(key) && variants.size >= MOST_VARIANTS) dropStale(variants, nowMs);
    if (!variants.has(key) && variants.size >= MOST_VARIANTS) return false;
    variants.set(key, kept);
    // The size of a new object is calculated.
    this.#urls.set(primaryKey, { variation: all, variants });
    return this.#urls.has(primaryKey);
  }

  /** Removes one variant, if it is still this one. */
  drop(primaryKey: string, variantKey: string, kept: KeptAnswer): void {
    const url = this.#urls.peek(primaryKey);
    if (url?.variants.get(variantKey) !== kept) return;
    url.variants.delete(variantKey);
    if (url.variants.size === 0) this.#urls.delete(primaryKey);
    else this.#urls.set(primaryKey, { ...url });
  }

  /** Removes all variants of a URL. */
  dropUrl(primaryKey: string): void {
    this.#urls.delete(primaryKey);
  }

  /** Removes the URLs whose key begins with the text. */
  dropAll(prefix: string): void {
    for (const key of [...this.#urls.keys()]) if (key.startsWith(prefix)) this.#urls.delete(key);
  }
}

function dropStale(variants: Map<string, KeptAnswer>, nowMs: number): void {
  for (const [key, kept] of variants) if (kept.freshness(nowMs) === 'stale') variants.delete(key);
}

function toSize({ variants }: KeptUrl, key: string): number {
  let bytes = 2 * key.length;
  for (const [variantKey, kept] of variants) bytes += kept.size + 2 * variantKey.length;
  return Math.max(1, bytes);
}

/** Whether all that `other` names is in `variation`. */
function includes(variation: Variation, other: Variation): boolean {
  const { query, headers, cookies, languages, countries } = variation;
  const isQueryIncluded =
    query === 'all' || (other.query !== 'all' && other.query.every((name) => query.includes(name)));
  return (
    isQueryIncluded &&
    other.headers.every((name) => headers.includes(name)) &&
    other.cookies.every((name) => cookies.includes(name)) &&
    (hasGroups(languages, other.languages) || headers.includes(LANGUAGE)) &&
    (hasGroups(countries, other.countries) || other.countries.flat().every((code) => isAlone(countries, code)))
  );
}

type Groups = Variation['languages'];

const LANGUAGE = 'accept-language';

function hasGroups(groups: Groups, others: Groups): boolean {
  return others.length === 0 || others.join('|') === groups.join('|');
}

function isAlone(groups: Groups, code: string): boolean {
  return groups.some((group) => group.length === 1 && group[0] === code);
}

/** What one or the other names. */
function merge(one: Variation, other: Variation): Variation {
  // The best of two lists of languages says nothing about the best of one of them: then the whole field counts.
  const [languages = []] = [one.languages, other.languages].filter((groups) => groups.length > 0);
  const isOneList = hasGroups(languages, one.languages) && hasGroups(languages, other.languages);
  const codes = union(one.countries.flat(), other.countries.flat());
  return {
    query: one.query === 'all' || other.query === 'all' ? 'all' : union(one.query, other.query),
    headers: union(one.headers, isOneList ? other.headers : [...other.headers, LANGUAGE]),
    cookies: union(one.cookies, other.cookies),
    languages: isOneList ? languages : [],
    countries: hasGroups(one.countries, other.countries) ? one.countries : codes.map((code) => [code]),
  };
}

function union(one: readonly string[], other: readonly string[]): readonly string[] {
  return [...new Set([...one, ...other])].sort();
}
