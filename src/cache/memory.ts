import type { KeptAnswer } from './kept-answer.ts';
import type { Variation } from './policy/variation.ts';
import { Retention, type Variant } from './retention.ts';

export interface MemoryLimits {
  /** Of all entries together. */
  readonly totalBytes: number;
  /** Default: so many that garbage collections stay short. */
  readonly mostEntries?: number;
}

const MOST_ENTRIES = 20_000;

/** All entries of one URL, and what tells them apart. */
export interface KeptUrl {
  readonly variation: Variation;
  readonly variants: ReadonlyMap<string, Variant>;
}

interface Url extends KeptUrl {
  readonly variants: Map<string, Variant>;
}

export interface NewVariant {
  readonly kept: KeptAnswer;
  /** What its own head says. */
  readonly variation: Variation;
  /** Makes its key from what tells the variants of its URL apart. */
  readonly toKey: (variation: Variation) => string;
}

/** The entries in the memory of this process. */
export class Memory {
  readonly #totalBytes: number;
  readonly #urls = new Map<string, Url>();
  readonly #retention: Retention;
  #evictions = 0;

  constructor({ totalBytes, mostEntries = MOST_ENTRIES }: MemoryLimits) {
    this.#totalBytes = totalBytes;
    this.#retention = new Retention({ totalBytes, mostEntries, onEvict: (variant) => this.#evict(variant) });
  }

  get isEmpty(): boolean {
    return this.#urls.size === 0;
  }

  /** How many entries were removed to make room. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#retention.bytes;
  }

  /** The URLs that were stored last first. */
  list(): Iterable<readonly [primaryKey: string, url: KeptUrl]> {
    return [...this.#urls].reverse();
  }

  find(primaryKey: string): KeptUrl | undefined {
    return this.#urls.get(primaryKey);
  }

  /**
   * Adds or replaces a variant. The first response of a URL says what tells its variants apart. A later one that names more of the request removes all others:
   * they may have been given to requests that they do not fit. False if it is larger than the memory.
   */
  keep(primaryKey: string, { kept, variation, toKey }: NewVariant): boolean {
    const before = this.#urls.get(primaryKey);
    const isFitting = before && includes(before.variation, variation);
    const all = before && !isFitting ? merge(before.variation, variation) : (before?.variation ?? variation);
    if (before && !isFitting) this.dropUrl(primaryKey);
    const variantKey = toKey(all);
    const bytes = kept.size + 2 * (primaryKey.length + variantKey.length);
    if (bytes > this.#totalBytes) {
      this.#drop(primaryKey, variantKey);
      return false;
    }
    const url = this.#urls.get(primaryKey) ?? { variation: all, variants: new Map() };
    const variant = this.#retention.add({ primaryKey, variantKey, kept, bytes }, url.variants.get(variantKey));
    url.variants.set(variantKey, variant);
    // The variants that made room may have been all of this URL.
    this.#urls.set(primaryKey, url);
    return true;
  }

  /** Removes one variant, if it is still this one. */
  drop(primaryKey: string, variantKey: string, kept: KeptAnswer): void {
    if (this.#urls.get(primaryKey)?.variants.get(variantKey)?.kept === kept) this.#drop(primaryKey, variantKey);
  }

  /** Removes all variants of a URL. */
  dropUrl(primaryKey: string): void {
    for (const variant of this.#urls.get(primaryKey)?.variants.values() ?? []) this.#retention.remove(variant);
    this.#urls.delete(primaryKey);
  }

  /** Removes the URLs whose key begins with the text. */
  dropAll(prefix: string): void {
    for (const key of [...this.#urls.keys()]) if (key.startsWith(prefix)) this.dropUrl(key);
  }

  #drop(primaryKey: string, variantKey: string): void {
    const variant = this.#urls.get(primaryKey)?.variants.get(variantKey);
    if (!variant) return;
    this.#retention.remove(variant);
    this.#forget(variant);
  }

  #evict(variant: Variant): void {
    this.#evictions++;
    this.#forget(variant);
  }

  #forget({ primaryKey, variantKey }: Variant): void {
    const url = this.#urls.get(primaryKey);
    url?.variants.delete(variantKey);
    if (url?.variants.size === 0) this.#urls.delete(primaryKey);
  }
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
