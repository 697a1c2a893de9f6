import type { BlobEntry, ListedBlob, PutOptions } from '../../contract/blob-storage.ts';

/** A blob in the index: its content, or the name of the file that has it. */
export interface IndexedBlob extends BlobEntry {
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly file?: string;
}

export interface NewBlob extends Omit<IndexedBlob, 'modifiedAtMs'> {
  readonly store: string;
  readonly key: string;
  readonly condition: PutOptions['condition'];
  /** Of all blobs together; 0: none. */
  readonly totalLimitBytes: number;
}

/** `file`: the file of the old content, which no blob has any more. */
export type BlobChange = { readonly state: 'done' | 'missing' | 'changed' | 'full'; readonly file?: string };

export interface IndexQuery {
  readonly store: string;
  readonly prefix: string;
  readonly directories: boolean;
  readonly from: Uint8Array;
  readonly limit: number;
}

export interface IndexPage {
  readonly blobs: readonly ListedBlob[];
  readonly directories: readonly string[];
  /** Undefined on the last page. */
  readonly next?: Uint8Array;
}

export interface NamePage {
  readonly names: readonly string[];
  readonly hasMore: boolean;
}

/** The verbs of the index of blobs. */
export interface BlobVerbs {
  blobGet(store: string, key: string): IndexedBlob | undefined;
  blobHead(store: string, key: string): BlobEntry | undefined;
  blobPut(blob: NewBlob): BlobChange;
  blobDelete(store: string, key: string, ifMatch: string | undefined): BlobChange;
  blobList(query: IndexQuery): IndexPage;
  blobStores(prefix: string, from: Uint8Array, limit: number): NamePage;
  blobDeleteStore(store: string, limit: number): { deleted: number; hasMore: boolean; files: readonly string[] };
  /** Those of the files that a blob has. */
  blobFiles(files: readonly string[]): readonly string[];
}
