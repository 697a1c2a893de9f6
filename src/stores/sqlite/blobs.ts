import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobBody,
  type BlobEntry,
  type BlobLimits,
  type BlobPage,
  BlobRefusal,
  type BlobStorage,
  checkNames,
  checkStore,
  type FoundBlob,
  type ListQuery,
  PAGE_ENTRIES,
  type PutOptions,
  type PutOutcome,
  type StorePage,
} from '../../contract/blob-storage.ts';
import { Fault } from '../../contract/fault.ts';
import { overTotal, randomName, storeBody } from '../blob-body.ts';
import { readCursor, toCursor, toStorePage } from '../blob-cursor.ts';
import { streamFile } from '../file-stream.ts';
import { toTransfer } from './messages.ts';
import { DiskFull } from './sqlite-failure.ts';
import type { StateThread } from './state-thread.ts';

/** A longer body is in a separate file. */
const INLINE_BYTES = 64 * 1024;

/** How often a read looks again after the file of a blob was replaced. */
const LOOKS = 5;

/** Younger files without a blob may belong to a write in flight of any process. */
const ORPHAN_MS = 24 * 3_600_000;

const NO_POSITION = new Uint8Array();

export interface SqliteBlobsSetup {
  readonly thread: StateThread;
  /** The folder of the bodies; created with the first one. */
  readonly folder: string;
  readonly fsync: boolean;
  readonly limits: BlobLimits;
}

/**
 * Blobs in the embedded store: an index in the database, and long bodies in files. A file is written
 * before the row that names it, and has a name that no other file ever has. So a row and its file
 * appear together, a replaced file can be removed at once (open readers keep its content), and
 * several processes can use one folder.
 */
export class SqliteBlobs implements BlobStorage {
  readonly isShared = false;
  readonly #setup: SqliteBlobsSetup;
  #isSwept = false;

  constructor(setup: SqliteBlobsSetup) {
    this.#setup = setup;
  }

  async get(store: string, key: string): Promise<FoundBlob | undefined> {
    checkNames(store, key);
    for (let look = 0; look < LOOKS; look++) {
      const blob = await this.#setup.thread.call('blobGet', [store, key]);
      if (!blob) return undefined;
      const { bytes, file, ...entry } = blob;
      if (bytes) return { entry, body: bytes };
      // Missing if it was replaced after the look at the index.
      const body = file === undefined ? undefined : await streamFile(this.#toPath(file));
      if (body) return { entry, body };
    }
    throw new Fault('store_unavailable', { message: `the file of the blob ${JSON.stringify(key)} is missing` });
  }

  async head(store: string, key: string): Promise<BlobEntry | undefined> {
    checkNames(store, key);
    return this.#setup.thread.call('blobHead', [store, key]);
  }

  async put(store: string, key: string, body: BlobBody, options: PutOptions = {}): Promise<PutOutcome> {
    checkNames(store, key);
    this.#sweep();
    const { fsync, limits, thread } = this.#setup;
    const { contentType = '', metadata = '', condition } = options;
    let file: string | undefined;
    const createPath = (): string => {
      file = randomName();
      return this.#toPath(file);
    };
    const files = { memoryBytes: INLINE_BYTES, createPath, fsync };
    const { size, etag, bytes: inline } = await storeBody(body, { metadata, limitBytes: limits.objectBytes, files });
    const bytes = file === undefined ? toTransfer(inline) : undefined;
    const value = { ...(bytes && { bytes }), ...(file !== undefined && { file }) };
    const blob = {
      store,
      key,
      etag,
      size,
      contentType,
      metadata,
      condition,
      totalLimitBytes: limits.totalBytes,
      ...value,
    };
    // If this rejects, the row may be there nevertheless, so the file stays; a sweep removes it if
    // the row is not.
    const change = await thread.call('blobPut', [blob], bytes ? [bytes.buffer] : []).catch(asRefusal);
    await this.#remove(change.state === 'done' ? change.file : file);
    if (change.state === 'done') return { state: 'stored', etag };
    if (change.state === 'full') throw overTotal(limits.totalBytes);
    return { state: 'changed' };
  }

  async delete(store: string, key: string, ifMatch?: string): Promise<'deleted' | 'missing' | 'changed'> {
    checkNames(store, key);
    const { state, file } = await this.#setup.thread.call('blobDelete', [store, key, ifMatch]);
    await this.#remove(file);
    return state === 'missing' || state === 'changed' ? state : 'deleted';
  }

  async list(store: string, { prefix = '', directories = false, cursor }: ListQuery = {}): Promise<BlobPage> {
    checkStore(store);
    const from = cursor === undefined ? NO_POSITION : readCursor(cursor);
    const query = { store, prefix, directories, from, limit: PAGE_ENTRIES };
    const { next, ...page } = await this.#setup.thread.call('blobList', [query]);
    return next ? { ...page, cursor: toCursor(next) } : page;
  }

  async listStores(prefix: string, cursor?: string): Promise<StorePage> {
    const from = cursor === undefined ? Buffer.from(prefix) : readCursor(cursor);
    const { names, hasMore } = await this.#setup.thread.call('blobStores', [prefix, from, PAGE_ENTRIES]);
    return toStorePage(names, hasMore);
  }

  async deleteStore(store: string): Promise<{ deleted: number; hasMore: boolean }> {
    checkStore(store);
    const { deleted, hasMore, files } = await this.#setup.thread.call('blobDeleteStore', [store, PAGE_ENTRIES]);
    for (const file of files) await this.#remove(file);
    return { deleted, hasMore };
  }

  /** SQLite can do all that is needed. */
  async check(): Promise<void> {}

  #toPath(file: string): string {
    return join(this.#setup.folder, file.slice(0, 2), file);
  }

  async #remove(file: string | undefined): Promise<void> {
    // A file that stays is removed by a sweep.
    if (file !== undefined) await rm(this.#toPath(file), { force: true }).catch(() => {});
  }

  /** Removes files of writes that did not end, once for each process. */
  #sweep(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    // What could not be removed now is removed by the next process.
    this.#removeOrphans().catch(() => {});
  }

  async #removeOrphans(): Promise<void> {
    for (const name of await readdir(this.#setup.folder)) {
      const old: string[] = [];
      for (const file of await readdir(join(this.#setup.folder, name))) {
        const found = await stat(this.#toPath(file)).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > ORPHAN_MS) old.push(file);
      }
      if (old.length === 0) continue;
      const used = new Set(await this.#setup.thread.call('blobFiles', [old]));
      for (const file of old) if (!used.has(file)) await this.#remove(file);
    }
  }
}

/** A full disk is no outage: the storage still reads, and smaller blobs may fit. */
function asRefusal(error: unknown): never {
  if (error instanceof Fault && error.cause instanceof DiskFull) throw new BlobRefusal('full', error.message);
  throw error;
}
