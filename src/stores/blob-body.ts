import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BlobBody, BlobRefusal } from '../contract/blob-storage.ts';
import { Fault } from '../contract/fault.ts';
import { makeFolder } from '../process/make-folder.ts';

/** A body that was read to its end. */
export interface StoredBody {
  readonly size: number;
  readonly etag: string;
  /** Empty if the body is in a file. */
  readonly bytes: Buffer<ArrayBuffer>;
}

export interface BodyRules {
  /** Part of the ETag. */
  readonly metadata: string;
  /** A longer body is refused. */
  readonly limitBytes: number;
  /** Where longer bodies are written. Default: all bodies stay in memory. */
  readonly files?: {
    readonly memoryBytes: number;
    /** The path of a new file. Called at most once. */
    readonly createPath: () => string;
    readonly fsync: boolean;
  };
}

/**
 * Reads a body into memory, or into a file if it is long. Removes the file again if the body or the
 * disk fails. Rejects with the error of the body, with a BlobRefusal if it is too large or the disk
 * is full, or with `store_unavailable` if the file cannot be written.
 */
export async function storeBody(body: BlobBody, { metadata, limitBytes, files }: BodyRules): Promise<StoredBody> {
  const hash = createHash('sha256');
  let size = 0;
  let held: Uint8Array[] = [];
  let file: NewFile | undefined;
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      size += chunk.byteLength;
      if (size > limitBytes) throw new BlobRefusal('too_large', `a blob has at most ${limitBytes} bytes here`);
      hash.update(chunk);
      if (!files || size <= files.memoryBytes) {
        // A copy: its memory may be freed when the next chunk is read.
        held.push(Uint8Array.from(chunk));
        continue;
      }
      file ??= await NewFile.create(files.createPath(), files.fsync);
      for (const each of [...held, chunk]) await file.write(each);
      held = [];
    }
    await file?.finish();
  } catch (error) {
    await file?.remove();
    throw error;
  }
  const etag = toEtag(hash.update(`\0${metadata}`).digest());
  return { size, etag, bytes: Buffer.concat(held) };
}

/** For a body that would exceed the limit of all blobs together. */
export function overTotal(limitBytes: number): BlobRefusal {
  return new BlobRefusal('full', `all blobs together have at most ${limitBytes} bytes (BLOBS_LIMIT)`);
}

/** 128 bits are enough for a name of a content. */
function toEtag(digest: Buffer): string {
  return `"${digest.toString('hex', 0, 16)}"`;
}

/** A name that no other blob has. */
export function randomName(): string {
  return randomBytes(16).toString('hex');
}

/** Smaller chunks are put together: a write for each would take longer. */
const BATCH_BYTES = 64 * 1024;

class NewFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #fsync: boolean;
  readonly #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #batchBytes = 0;

  private constructor(path: string, handle: FileHandle, fsync: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#fsync = fsync;
  }

  static create(path: string, fsync: boolean): Promise<NewFile> {
    return orFault(path, async () => {
      makeFolder(dirname(path), 0o700);
      return new NewFile(path, await open(path, 'wx', 0o600), fsync);
    });
  }

  /** The chunk may change when it resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#batchBytes + chunk.byteLength > BATCH_BYTES) await this.#flush();
    if (chunk.byteLength >= BATCH_BYTES) return this.#append(chunk);
    this.#batch.set(chunk, this.#batchBytes);
    this.#batchBytes += chunk.byteLength;
  }

  /** The content and the name are on the disk when it resolves. */
  async finish(): Promise<void> {
    await this.#flush();
    return orFault(this.path, async () => {
      if (this.#fsync) await this.#handle.sync();
      await this.#handle.close();
      if (this.#fsync) {
        for (const folder of [dirname(this.path), dirname(dirname(this.path))]) await syncFolder(folder);
      }
    });
  }

  async #flush(): Promise<void> {
    const bytes = this.#batchBytes;
    this.#batchBytes = 0;
    if (bytes > 0) await this.#append(this.#batch.subarray(0, bytes));
  }

  /** Not `write` of the handle: it may write less than all. */
  #append(bytes: Uint8Array): Promise<void> {
    return orFault(this.path, () => this.#handle.writeFile(bytes));
  }

  async remove(): Promise<void> {
    // The error that led here is more important.
    await this.#handle.close().catch(() => {});
    await rm(this.path, { force: true }).catch(() => {});
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

async function orFault<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException; // all that node:fs rejects with
    if (FULL.has(code)) throw new BlobRefusal('full', `there is no room for this blob (${message})`);
    throw new Fault('store_unavailable', { message: `${path} cannot be written: ${message}`, cause });
  }
}
