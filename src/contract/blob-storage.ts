import { UserError } from './user-error.ts';

/**
 * Storage for files and values of any size, by store and key. There are three implementations: files with an index in
 * SQLite, a bucket that speaks S3, and Redis.
 *
 * Reads see every write that was acknowledged before. A call rejects with the Fault `store_unavailable` if the storage
 * cannot be used, and with a BlobRefusal if the call cannot be carried out.
 */
export interface BlobStorage {
  /** Whether processes of other machines may use the same storage. */
  readonly isShared: boolean;
  /** Undefined if there is no such key. The caller reads the body to its end or cancels it. */
  get(store: string, key: string): Promise<FoundBlob | undefined>;
  head(store: string, key: string): Promise<BlobEntry | undefined>;
  /** Replaces the blob as a whole when all of the body is stored. If the body fails, the old blob stays. */
  put(store: string, key: string, body: BlobBody, options?: PutOptions): Promise<PutOutcome>;
  /** With `ifMatch`: only a blob with this ETag. */
  delete(store: string, key: string, ifMatch?: string): Promise<'deleted' | 'missing' | 'changed'>;
  /** In the order of the bytes of the keys. */
  list(store: string, query?: ListQuery): Promise<BlobPage>;
  /** Names of the stores that have blobs and begin with `prefix`. */
  listStores(prefix: string, cursor?: string): Promise<StorePage>;
  /** Deletes some blobs of a store. Call it again while `hasMore`. */
  deleteStore(store: string): Promise<{ readonly deleted: number; readonly hasMore: boolean }>;
  /** Checks at start that the storage fits. Throws an UnfitBlobStorage if not. A storage that is away may fit. */
  check(): Promise<void>;
}

/** In bytes. */
export interface BlobLimits {
  /** Of one blob. */
  readonly objectBytes: number;
  /** Of all blobs together; 0: the disk or the memory. */
  readonly totalBytes: number;
}

/** Streams of Node and of the web are async iterables. */
export type BlobBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface BlobEntry {
  /** With its quotes. */
  readonly etag: string;
  readonly size: number;
  /** '' if none was given. */
  readonly contentType: string;
  /** As it was given; '' if none was. */
  readonly metadata: string;
  readonly modifiedAtMs: number;
}

export interface FoundBlob {
  readonly entry: BlobEntry;
  /** The content at the time of the call, also if the blob is replaced or deleted while it is read. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
}

export interface PutOptions {
  readonly contentType?: string;
  /** Opaque. Replaces that of the old blob, also if it is not given. */
  readonly metadata?: string;
  /** 'new': only if there is no such key. */
  readonly condition?: 'new' | { readonly ifMatch: string };
}

/** 'changed': the condition does not hold, nothing was written. */
export type PutOutcome = { readonly state: 'stored'; readonly etag: string } | { readonly state: 'changed' };

export interface ListQuery {
  /** Of the bytes of the key: `cats` finds `catsuit`. */
  readonly prefix?: string;
  /** Replaces the keys below the next slash after the prefix by one directory, without the slash at its end. */
  readonly directories?: boolean;
  /** From an earlier page of the same query. */
  readonly cursor?: string;
}

export interface BlobPage {
  readonly blobs: readonly ListedBlob[];
  readonly directories: readonly string[];
  /** Undefined on the last page. */
  readonly cursor?: string;
}

export interface ListedBlob {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  readonly modifiedAtMs: number;
}

export interface StorePage {
  readonly stores: readonly string[];
  readonly cursor?: string;
}

/** Blobs and directories of one page, as on Netlify. */
export const PAGE_ENTRIES = 1000;

/** The call cannot be carried out, whatever the state of the storage. The message is for the author of the site. */
export class BlobRefusal extends Error {
  override readonly name = 'BlobRefusal';
  /** 'full': BLOBS_LIMIT or the disk. */
  readonly reason: 'bad_name' | 'too_large' | 'full' | 'bad_cursor';

  constructor(reason: BlobRefusal['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The settings name no storage, or one that lacks what blobs need. The message is for the operator. */
export class UnfitBlobStorage extends UserError {
  override readonly name = 'UnfitBlobStorage';

  override get isOfSetting(): boolean {
    return true;
  }
}

/** The limit of the platform, for the key as the client writes it. */
const KEY_BYTES = 600;
/** `deploy:`, an id of 24 characters and a name of 64 bytes. */
const STORE_BYTES = 128;

/** Throws a BlobRefusal for names that some storage cannot hold. */
export function checkNames(store: string, key: string): void {
  checkStore(store);
  const refuse = (what: string): never => {
    throw new BlobRefusal('bad_name', `the key ${JSON.stringify(key.slice(0, KEY_BYTES))} ${what}`);
  };
  if (key === '' || key.startsWith('/')) refuse('is empty or begins with a slash');
  if (key.includes('\0') || !key.isWellFormed()) refuse('has characters that no key may have');
  if (Buffer.byteLength(key) > KEY_BYTES) refuse(`is longer than ${KEY_BYTES} bytes`);
  // In a URL of S3 such a segment would lead to another key.
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(key)) refuse('has a segment "." or ".."');
}

export function checkStore(store: string): void {
  if (store !== '' && !/[/\0]/.test(store) && store.isWellFormed() && Buffer.byteLength(store) <= STORE_BYTES) return;
  const message = `the store ${JSON.stringify(store.slice(0, STORE_BYTES))} has no valid name: 1 to ${STORE_BYTES} bytes without a slash`;
  throw new BlobRefusal('bad_name', message);
}
