import type { Fields } from './arguments.ts';
import { decode, type Entries, encode } from './entries.ts';

/** `BaseStore` of `@langchain/langgraph`: its other methods call `batch`. */
export type BaseStoreClass = abstract new () => object;

interface Item {
  readonly namespace: readonly string[];
  readonly key: string;
  readonly value: Fields;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface StoredItem {
  readonly value: Fields;
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface Search {
  readonly namespacePrefix: readonly string[];
  readonly filter?: Fields;
  readonly limit?: number;
  readonly offset?: number;
}

interface NamespaceQuery {
  readonly matchConditions?: readonly {
    readonly matchType: 'prefix' | 'suffix';
    readonly path: readonly string[];
  }[];
  readonly maxDepth?: number;
  readonly limit: number;
  readonly offset: number;
}

interface ItemAddress {
  readonly namespace: readonly string[];
  readonly key: string;
}

/** `value`: null deletes the item. */
interface Put extends ItemAddress {
  readonly value: Fields | null;
}

type Operation = ItemAddress | Put | Search | NamespaceQuery;

/**
 * Creates a store of LangGraph over the store of nexthop: a subclass of the one of the site's own
 * package. A search compares prefixes and fields; there are no vectors, so a `query` is not used.
 */
export function createLanggraphStore(Base: BaseStoreClass, entries: Entries): object {
  class LanggraphStore extends Base {
    /** Reads come before writes. */
    async batch(operations: readonly Operation[]): Promise<readonly unknown[]> {
      const results = await Promise.all(operations.map((operation) => read(entries, operation)));
      for (const operation of operations) if ('value' in operation) await put(entries, operation);
      return results;
    }
  }
  return new LanggraphStore();
}

function read(entries: Entries, operation: Operation): Promise<unknown> {
  if ('value' in operation) return Promise.resolve(undefined);
  if ('key' in operation) return readItem(entries, toKey(operation)).then((item) => item ?? null);
  if ('namespacePrefix' in operation) return search(entries, operation);
  return listNamespaces(entries, operation);
}

async function put(entries: Entries, { namespace, key, value }: Put): Promise<void> {
  const place = toKey({ namespace, key });
  if (value === null) return entries.remove(place);
  const nowMs = Date.now();
  const before = await entries.read<StoredItem>(place);
  const item: StoredItem = { value, createdAt: before?.createdAt ?? nowMs, updatedAt: nowMs };
  return entries.write(place, item);
}

async function search(
  entries: Entries,
  { namespacePrefix, filter, limit = 10, offset = 0 }: Search,
): Promise<readonly Item[]> {
  const keys = await entries.keys(toPrefix(namespacePrefix));
  if (!filter || Object.keys(filter).length === 0) return readItems(entries, keys.slice(offset, offset + limit));
  const fitting = (await readItems(entries, keys)).filter(({ value }) =>
    Object.entries(filter).every(([name, wanted]) => isFitting(value[name], wanted)),
  );
  return fitting.slice(offset, offset + limit);
}

async function listNamespaces(
  entries: Entries,
  { matchConditions = [], maxDepth, limit, offset }: NamespaceQuery,
): Promise<readonly (readonly string[])[]> {
  const found = new Map<string, readonly string[]>();
  for (const key of await entries.keys('l/')) {
    const { namespace } = toAddress(key);
    const isFound = matchConditions.every(({ matchType, path }) => {
      const from = matchType === 'prefix' ? 0 : namespace.length - path.length;
      return from >= 0 && path.every((label, index) => label === '*' || label === namespace[from + index]);
    });
    if (!isFound) continue;
    const cut = namespace.slice(0, maxDepth);
    found.set(toPrefix(cut), cut);
  }
  return [...found.values()].slice(offset, offset + limit);
}

async function readItems(entries: Entries, keys: readonly string[]): Promise<readonly Item[]> {
  const items = await Promise.all(keys.map((key) => readItem(entries, key)));
  return items.filter((item) => item !== undefined);
}

async function readItem(entries: Entries, key: string): Promise<Item | undefined> {
  const stored = await entries.read<StoredItem>(key);
  if (!stored) return undefined;
  const { value, createdAt, updatedAt } = stored;
  return { ...toAddress(key), value, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}

/** Comparisons of a filter, with the names and the rules of `InMemoryStore` of the package. */
const COMPARISONS: Readonly<Record<string, (value: unknown, wanted: unknown) => boolean>> = {
  $eq: (value, wanted) => value === wanted,
  $ne: (value, wanted) => value !== wanted,
  $gt: (value, wanted) => Number(value) > Number(wanted),
  $gte: (value, wanted) => Number(value) >= Number(wanted),
  $lt: (value, wanted) => Number(value) < Number(wanted),
  $lte: (value, wanted) => Number(value) <= Number(wanted),
  $in: (value, wanted) => Array.isArray(wanted) && wanted.includes(value),
  $nin: (value, wanted) => !Array.isArray(wanted) || !wanted.includes(value),
};

function isFitting(value: unknown, wanted: unknown): boolean {
  const comparisons = typeof wanted === 'object' && wanted !== null ? Object.entries(wanted) : [];
  if (comparisons.length === 0 || !comparisons.every(([name]) => name in COMPARISONS)) return value === wanted;
  return comparisons.every(([name, operand]) => COMPARISONS[name]?.(value, operand));
}

function toPrefix(namespace: readonly string[]): string {
  return `l/${namespace.map((label) => `${encode(label)}/`).join('')}`;
}

function toKey({ namespace, key }: ItemAddress): string {
  return toPrefix(namespace) + encode(key);
}

function toAddress(place: string): ItemAddress {
  const parts = place.split('/').slice(1).map(decode);
  return { namespace: parts.slice(0, -1), key: parts.at(-1) ?? '' };
}
