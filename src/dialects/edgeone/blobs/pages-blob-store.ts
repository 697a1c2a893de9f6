import type { BlobBody, BlobEntry, BlobStorage, FoundBlob, ListedBlob } from '../../../contract/blob-storage.ts';
import { BlobRefusal } from '../../../contract/blob-storage.ts';
import { readPage } from './blob-page.ts';
import { PagesBlobError, PreconditionFailedError, QuotaExceededError } from './pages-blob-error.ts';

/** Creates a URL to which a client may send one blob. */
export type CreateUploadUrl = (store: string, key: string, options: UploadOptions) => Promise<UploadUrl>;

export interface UploadOptions {
  readonly expireSeconds?: number;
  readonly contentType?: string;
}

export interface UploadUrl {
  readonly url: string;
  readonly key: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface StoreParts {
  readonly name: string;
  readonly storage: BlobStorage;
  readonly createUploadUrl: CreateUploadUrl;
}

interface SetOptions {
  readonly onlyIfNew?: boolean;
  readonly cacheControl?: string;
}

interface ListOptions {
  readonly prefix?: string;
  readonly directories?: boolean;
  readonly cursor?: string;
  readonly limit?: number;
  readonly paginate?: boolean;
}

interface Metadata {
  readonly cacheControl: string;
  readonly contentType: string;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The prefix keeps these stores apart from those of other platforms. */
export const STORE_PREFIX = 'edgeone:';

/** A store of `@edgeone/pages-blob`, with the package's methods. Reads see every write at once. */
export class Store {
  readonly #parts: StoreParts;
  readonly #store: string;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#store = STORE_PREFIX + parts.name;
  }

  async set(key: string, value: unknown, { onlyIfNew = false, cacheControl = '' }: SetOptions = {}): Promise<void> {
    const body = toBody(value);
    const contentType =
      value instanceof Blob ? value.type : typeof value === 'string' ? 'text/plain;charset=UTF-8' : '';
    await this.#put(key, body, { onlyIfNew, cacheControl, contentType });
  }

  async setJSON(key: string, value: unknown, { onlyIfNew = false, cacheControl = '' }: SetOptions = {}): Promise<void> {
    const text = JSON.stringify(value);
    if (text === undefined) throw new PagesBlobError('the value cannot be written as JSON');
    await this.#put(key, Buffer.from(text), { onlyIfNew, cacheControl, contentType: 'application/json' });
  }

  /** Null if the key is absent. Throws a SyntaxError for `json` if the blob is not JSON. */
  async get(key: string, options: { readonly type?: string } | string = {}): Promise<unknown> {
    const found = await this.#find(key);
    if (!found) return null;
    const { type = 'text' } = typeof options === 'string' ? { type: options } : options;
    const response = new Response(found.body, { headers: { 'content-type': found.entry.contentType } });
    if (type === 'stream') return response.body;
    if (type === 'arrayBuffer') return response.arrayBuffer();
    if (type === 'blob') return response.blob();
    const text = await response.text();
    return type === 'json' ? JSON.parse(text) : text;
  }

  async getWithHeaders(key: string): Promise<{ body: string; headers: Readonly<Record<string, string>> } | null> {
    const found = await this.#find(key);
    return found ? { body: await new Response(found.body).text(), headers: toHeaders(found.entry) } : null;
  }

  async getMetadata(key: string): Promise<Metadata | null> {
    const { storage } = this.#parts;
    const entry = await run(storage.head(this.#store, toKey(key)));
    if (!entry) return null;
    const { etag, contentType, metadata: cacheControl } = entry;
    return { cacheControl, contentType, etag, headers: toHeaders(entry) };
  }

  /** Also resolves if the key is absent. */
  async delete(key: string): Promise<void> {
    await run(this.#parts.storage.delete(this.#store, toKey(key)));
  }

  /** All pages, unless `paginate` is false or there is a `limit`. */
  async list({ prefix, directories = false, cursor, limit, paginate = true }: ListOptions = {}): Promise<{
    blobs: { key: string; etag: string }[];
    directories: string[];
    cursor?: string;
  }> {
    const blobs: ListedBlob[] = [];
    const folders: string[] = [];
    let next = cursor;
    do {
      const rest = limit === undefined ? undefined : limit - blobs.length;
      const page = await run(
        readPage(this.#parts.storage, this.#store, { directories, prefix, marker: next, limit: rest }),
      );
      blobs.push(...page.blobs);
      folders.push(...page.directories);
      next = page.marker;
    } while (next !== undefined && (limit === undefined ? paginate : blobs.length < limit));
    return {
      blobs: blobs.map(({ key, etag }) => ({ key, etag })),
      directories: folders.map((folder) => `${folder}/`),
      ...(next !== undefined && { cursor: next }),
    };
  }

  /** A URL to which a client may send the blob once, by PUT, with this content type if there is one. */
  createUploadUrl(key: string, options: UploadOptions = {}): Promise<UploadUrl> {
    return this.#parts.createUploadUrl(this.#store, toKey(key), options);
  }

  #find(key: string): Promise<FoundBlob | undefined> {
    return run(this.#parts.storage.get(this.#store, toKey(key)));
  }

  async #put(
    key: string,
    body: BlobBody,
    { onlyIfNew, cacheControl, contentType }: Required<SetOptions> & { contentType: string },
  ): Promise<void> {
    const options = { metadata: cacheControl, contentType, ...(onlyIfNew && { condition: 'new' as const }) };
    const outcome = await run(this.#parts.storage.put(this.#store, toKey(key), body, options));
    if (outcome.state === 'changed') throw new PreconditionFailedError();
  }
}

/** The package decodes keys twice: `a%2Fb` is `a/b`. */
function toKey(given: unknown): string {
  const key = typeof given === 'string' ? decode(decode(given)) : '';
  if (key === '' || key.startsWith('/') || Buffer.byteLength(key) > 600) {
    const message = `a key must have 1 to 600 bytes and not start with a slash, got ${JSON.stringify(given)}`;
    throw new PagesBlobError(message, 'INVALID_KEY');
  }
  return key;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No escape, e.g. "100%".
    return text;
  }
}

function toBody(value: unknown): BlobBody {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (value instanceof Blob) return value.stream();
  if (value instanceof ReadableStream) return value as ReadableStream<Uint8Array>;
  throw new PagesBlobError(`a value must be a string, ArrayBuffer, Blob or stream, got ${typeof value}`);
}

function toHeaders({ etag, contentType, metadata, size, modifiedAtMs }: BlobEntry): Readonly<Record<string, string>> {
  return {
    etag,
    'content-length': String(size),
    'last-modified': new Date(modifiedAtMs).toUTCString(),
    ...(contentType && { 'content-type': contentType }),
    ...(metadata && { 'cache-control': metadata }),
  };
}

/** Gives the errors of the storage the form of the package. */
async function run<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (!(cause instanceof BlobRefusal)) throw new PagesBlobError(message, 'COS_ERROR', cause);
    if (cause.reason === 'full') throw new QuotaExceededError(message, cause);
    throw new PagesBlobError(message, cause.reason === 'bad_name' ? 'INVALID_KEY' : 'COS_ERROR', cause);
  }
}
