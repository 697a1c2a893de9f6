import { BlobRefusal, type BlobStorage, type FoundBlob } from '../../../contract/blob-storage.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Kv } from '../../../contract/store.ts';
import type { Submission } from './submission.ts';

/** Namespace of the submissions in the store. */
export const NAMESPACE = 'netlify/forms';
/** Store of the files in the storage of blobs. Functions see only stores with other beginnings. */
const FILES = 'netlify-forms';

/** Submissions that are read at a time. */
const PAGE = 100;

/** The submissions of a site and their files. Every call rejects with `store_unavailable` if the store is away. */
export class Submissions {
  readonly #kv: Kv;
  readonly #blobs: BlobStorage;

  constructor(kv: Kv, blobs: BlobStorage) {
    this.#kv = kv;
    this.#blobs = blobs;
  }

  /** The same submission may be stored again. */
  async put(submission: Submission): Promise<void> {
    await this.#kv.put(submission.id, Buffer.from(JSON.stringify(submission)));
  }

  async has(id: string): Promise<boolean> {
    return (await this.#kv.get(id)) !== undefined;
  }

  async find(id: string): Promise<Submission | undefined> {
    const bytes = await this.#kv.get(id);
    return bytes && toSubmission(bytes);
  }

  /** Oldest first. */
  async *list(): AsyncGenerator<Submission> {
    let after: string | undefined;
    for (;;) {
      const ids = await this.#kv.list('', PAGE, after);
      for (const id of ids) {
        const found = await this.find(id);
        if (found) yield found;
      }
      if (ids.length < PAGE) return;
      after = ids.at(-1);
    }
  }

  /** With its files. False if there is no such submission. */
  async delete(id: string): Promise<boolean> {
    const found = await this.find(id);
    if (found) await this.discard(found);
    return found !== undefined;
  }

  /** The same for one that may be stored or not. */
  async discard({ id, files }: Submission): Promise<void> {
    await Promise.all([this.#kv.delete(id), this.deleteFiles(files)]);
  }

  /** Resolves with the size. If `content` fails, nothing is stored. */
  async putFile(key: string, content: AsyncIterable<Uint8Array>): Promise<number> {
    let size = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of content) {
        size += piece.length;
        yield piece;
      }
    };
    try {
      await this.#blobs.put(FILES, key, counted());
    } catch (error) {
      if (error instanceof BlobRefusal) throw toFault(error);
      throw error;
    }
    return size;
  }

  /** Throws if files cannot be stored, with the reason. */
  async checkFiles(): Promise<void> {
    await this.#blobs.check();
  }

  async openFile(key: string): Promise<FoundBlob | undefined> {
    return this.#blobs.get(FILES, key);
  }

  async deleteFiles(files: readonly { readonly key: string }[]): Promise<void> {
    await Promise.all(files.map(({ key }) => this.#blobs.delete(FILES, key)));
  }
}

function toFault(cause: BlobRefusal): Fault {
  const { message, reason } = cause;
  return new Fault(reason === 'too_large' ? 'body_too_large' : 'store_unavailable', { message, cause });
}

function toSubmission(bytes: Uint8Array): Submission {
  return JSON.parse(Buffer.from(bytes).toString()) as Submission; // as `put` wrote it
}
