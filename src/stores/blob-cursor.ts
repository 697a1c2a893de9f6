import { BlobRefusal, type StorePage } from '../contract/blob-storage.ts';

/** The text of a position in a list of names: the bytes from which the next page begins. */
export function toCursor(position: Uint8Array): string {
  return Buffer.from(position).toString('base64url');
}

/** Throws a BlobRefusal for a text that `toCursor` did not return. */
export function readCursor(cursor: string): Buffer {
  const position = Buffer.from(cursor, 'base64url');
  if (cursor !== '' && toCursor(position) === cursor) return position;
  throw new BlobRefusal('bad_cursor', `${JSON.stringify(cursor.slice(0, 80))} is no cursor of a list`);
}

/** `hasMore`: there are stores after these. */
export function toStorePage(stores: readonly string[], hasMore: boolean): StorePage {
  const last = stores.at(-1);
  return hasMore && last !== undefined ? { stores, cursor: toCursor(afterName(Buffer.from(last))) } : { stores };
}

/** The first position after this name. */
export function afterName(name: Uint8Array): Buffer {
  return Buffer.concat([name, Buffer.of(0)]);
}

/** The first position after all names that begin with these bytes, which are UTF-8. */
export function afterPrefix(prefix: Uint8Array): Buffer {
  return Buffer.concat([prefix, Buffer.of(0xff)]);
}
