import type { BlobStorage, ListedBlob } from '../../../contract/blob-storage.ts';

export interface PageQuery {
  readonly prefix?: string | undefined;
  readonly directories: boolean;
  /** From an earlier page of the same query. */
  readonly marker?: string | undefined;
  /** Of blobs; undefined: a page of the storage. */
  readonly limit?: number | undefined;
}

export interface MarkedPage {
  readonly blobs: readonly ListedBlob[];
  /** Without the slash at their end. */
  readonly directories: readonly string[];
  /** Undefined on the last page. */
  readonly marker?: string;
}

/**
 * Reads at most `limit` blobs of a page of the storage, which has no limits of its own. A marker is
 * the cursor of that page and the number of its blobs that were read before.
 */
export async function readPage(
  storage: BlobStorage,
  store: string,
  { prefix, directories, marker = '', limit = Number.POSITIVE_INFINITY }: PageQuery,
): Promise<MarkedPage> {
  const [, read = '0', cursor = marker] = /^(\d+)\.(.*)$/.exec(marker) ?? [];
  const from = Number(read);
  const page = await storage.list(store, {
    directories,
    ...(prefix !== undefined && prefix !== '' && { prefix }),
    ...(cursor !== '' && { cursor }),
  });
  const end = from + limit;
  const next = end < page.blobs.length ? `${end}.${cursor}` : page.cursor && `0.${page.cursor}`;
  return {
    blobs: page.blobs.slice(from, end),
    directories: from === 0 ? page.directories : [],
    ...(next !== undefined && { marker: next }),
  };
}
