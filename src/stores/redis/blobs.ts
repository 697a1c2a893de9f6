import {
  type BlobBody,
  type BlobEntry,
  type BlobLimits,
  type BlobPage,
  type BlobStorage,
  checkNames,
  checkStore,
  type FoundBlob,
  type ListedBlob,
  type ListQuery,
  PAGE_ENTRIES,
  type PutOptions,
  type PutOutcome,
  type StorePage,
} from '../../contract/blob-storage.ts';
import { overTotal, storeBody } from '../blob-body.ts';
import { afterPrefix, readCursor, toCursor, toStorePage } from '../blob-cursor.ts';
import { DELETE_BLOB, DELETE_STORE, LIST_BLOBS, LIST_STORES, PUT_BLOB, READ_BLOB } from './blob-scripts.ts';
import type { Connection } from './connection.ts';
import { toBytes, toList, toNumber, toText } from './reply.ts';

/** Redis keeps blobs in memory and is blocked while it sends one. */
const OBJECT_BYTES = 25 * 1024 * 1024;

const ENTRY = ['etag', 'size', 'type', 'metadata', 'modified'] as const;

/** Blobs of small sites in many containers, in the memory of Redis. */
export class RedisBlobs implements BlobStorage {
  readonly isShared = true;
  readonly #connection: Connection;
  readonly #root: string;
  readonly #limits: BlobLimits;

  constructor(connection: Connection, root: string, limits: BlobLimits) {
    this.#connection = connection;
    this.#root = root;
    this.#limits = limits;
  }

  async get(store: string, key: string): Promise<FoundBlob | undefined> {
    checkNames(store, key);
    const fields = toList(await this.#connection.run(READ_BLOB, this.#root, store, key, ...ENTRY, 'bytes'));
    const entry = toEntry(fields);
    return entry && { entry, body: new Uint8Array(toBytes(fields[ENTRY.length])) };
  }

  async head(store: string, key: string): Promise<BlobEntry | undefined> {
    checkNames(store, key);
    return toEntry(toList(await this.#connection.run(READ_BLOB, this.#root, store, key, ...ENTRY)));
  }

  async put(store: string, key: string, body: BlobBody, options: PutOptions = {}): Promise<PutOutcome> {
    checkNames(store, key);
    const { contentType = '', metadata = '', condition } = options;
    const limitBytes = Math.min(OBJECT_BYTES, this.#limits.objectBytes);
    const { size, etag, bytes } = await storeBody(body, { metadata, limitBytes });
    const [kind, match] = typeof condition === 'object' ? ['match', condition.ifMatch] : [condition ?? '', ''];
    const fields = ['etag', etag, 'type', contentType, 'metadata', metadata, 'bytes', bytes];
    const args = [store, key, kind, match, this.#limits.totalBytes, size, ...fields];
    const state = toText(await this.#connection.run(PUT_BLOB, this.#root, ...args));
    if (state === 'full') throw overTotal(this.#limits.totalBytes);
    return state === 'done' ? { state: 'stored', etag } : { state: 'changed' };
  }

  async delete(store: string, key: string, ifMatch = ''): Promise<'deleted' | 'missing' | 'changed'> {
    checkNames(store, key);
    const state = toText(await this.#connection.run(DELETE_BLOB, this.#root, store, key, ifMatch));
    return state === 'deleted' || state === 'changed' ? state : 'missing';
  }

  async list(store: string, { prefix = '', directories = false, cursor }: ListQuery = {}): Promise<BlobPage> {
    checkStore(store);
    const start = Buffer.from(prefix);
    const position = cursor === undefined ? start : readCursor(cursor);
    const from = bound('[', Buffer.compare(position, start) > 0 ? position : start);
    const args = [store, start.length, from, bound('(', afterPrefix(start)), PAGE_ENTRIES, directories ? 1 : 0];
    const [blobs, groups, next] = toList(await this.#connection.run(LIST_BLOBS, this.#root, ...args));
    const page = { blobs: toList(blobs).map(toListed), directories: toList(groups).map(toText) };
    return toBytes(next).length === 0 ? page : { ...page, cursor: toCursor(toBytes(next)) };
  }

  async listStores(prefix: string, cursor?: string): Promise<StorePage> {
    const start = Buffer.from(prefix);
    const from = bound('[', cursor === undefined ? start : readCursor(cursor));
    const args = ['', from, bound('(', afterPrefix(start)), PAGE_ENTRIES + 1];
    const names = toList(await this.#connection.run(LIST_STORES, this.#root, ...args)).map(toText);
    return toStorePage(names.slice(0, PAGE_ENTRIES), names.length > PAGE_ENTRIES);
  }

  async deleteStore(store: string): Promise<{ deleted: number; hasMore: boolean }> {
    checkStore(store);
    const reply = await this.#connection.run(DELETE_STORE, this.#root, store, PAGE_ENTRIES);
    const [deleted, hasMore] = toList(reply).map(toNumber);
    return { deleted: deleted ?? 0, hasMore: hasMore === 1 };
  }

  /** Each script is one step: Redis can do all that is needed. */
  async check(): Promise<void> {}
}

function bound(kind: '[' | '(', name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), name]);
}

/** Fields in the order of ENTRY; all are null if there is no such blob. */
function toEntry([etag, size, type, metadata, modified]: readonly unknown[]): BlobEntry | undefined {
  if (etag === null) return undefined;
  return {
    etag: toText(etag),
    size: toNumber(size),
    contentType: toText(type),
    metadata: toText(metadata),
    modifiedAtMs: toNumber(modified),
  };
}

function toListed(entry: unknown): ListedBlob {
  const [key, etag, size, modified] = toList(entry);
  return { key: toText(key), etag: toText(etag), size: toNumber(size), modifiedAtMs: toNumber(modified) };
}
