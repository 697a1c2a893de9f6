import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { BlobEntry, ListedBlob, PutOptions } from '../../contract/blob-storage.ts';
import { afterName, afterPrefix } from '../blob-cursor.ts';
import type { BlobVerbs, IndexPage, IndexQuery } from './blob-verbs.ts';
import { toBytes } from './job-steps.ts';
import { always, never, type Steps } from './verbs.ts';

/** What a row takes besides key, metadata and content. */
const BYTES_BESIDE = 512;

const LISTED = 'key, etag, size, modified_at';
const ENTRY = 'etag, size, type, metadata, modified_at';

export function blobSteps(database: DatabaseSync): Pick<Steps, keyof BlobVerbs> {
  const get = database.prepare(`SELECT ${ENTRY}, file, bytes FROM blobs WHERE store = ? AND key = ?`);
  const head = database.prepare(`SELECT ${ENTRY} FROM blobs WHERE store = ? AND key = ?`);
  const find = database.prepare('SELECT etag, size, file FROM blobs WHERE store = ? AND key = ?');
  const put = database.prepare(
    `INSERT INTO blobs (store, key, ${ENTRY}, file, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET etag = excluded.etag, size = excluded.size, type = excluded.type, metadata = excluded.metadata,
       modified_at = excluded.modified_at, file = excluded.file, bytes = excluded.bytes`,
  );
  const remove = database.prepare('DELETE FROM blobs WHERE store = ? AND key = ?');
  const used = database.prepare('SELECT bytes FROM blob_usage WHERE one = 1');
  const use = database.prepare('UPDATE blob_usage SET bytes = bytes + ? WHERE one = 1');
  const listed = database.prepare(
    `SELECT ${LISTED} FROM blobs WHERE store = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  );
  const firstStore = database.prepare('SELECT store FROM blobs WHERE store >= ? ORDER BY store LIMIT 1');
  const some = database.prepare('SELECT key, size, file FROM blobs WHERE store = ? LIMIT ?');
  const fileUser = database.prepare('SELECT 1 FROM blobs WHERE file = ?');

  return {
    blobGet: {
      writes: never,
      run: (store, key) => {
        const row = get.get(store, Buffer.from(key));
        if (!row) return undefined;
        const content = row.file === null ? { bytes: new Uint8Array(toBytes(row.bytes)) } : { file: String(row.file) };
        return { ...toEntry(row), ...content };
      },
    },
    blobHead: {
      writes: never,
      run: (store, key) => {
        const row = head.get(store, Buffer.from(key));
        return row && toEntry(row);
      },
    },
    blobPut: {
      writes: always,
      takes: ({ key, metadata, bytes }) => BYTES_BESIDE + key.length + metadata.length + (bytes?.length ?? 0),
      run: ({ store, key, condition, totalLimitBytes, etag, size, contentType, metadata, file, bytes }) => {
        const id = Buffer.from(key);
        const old = find.get(store, id);
        if (!holds(condition, old)) return { state: 'changed' };
        const growth = size - Number(old?.size ?? 0);
        if (totalLimitBytes > 0 && growth > 0 && Number(used.get()?.bytes) + growth > totalLimitBytes) {
          return { state: 'full' };
        }
        put.run(store, id, etag, size, contentType, metadata, Date.now(), file ?? null, bytes ?? null);
        use.run(growth);
        return { state: 'done', ...fileOf(old) };
      },
    },
    blobDelete: {
      writes: always,
      run: (store, key, ifMatch) => {
        const id = Buffer.from(key);
        const old = find.get(store, id);
        if (ifMatch !== undefined && old?.etag !== ifMatch) return { state: 'changed' };
        if (!old) return { state: 'missing' };
        remove.run(store, id);
        use.run(-Number(old.size));
        return { state: 'done', ...fileOf(old) };
      },
    },
    blobList: {
      writes: never,
      run: (query) => readPage(query, (from, to, limit) => listed.all(query.store, from, to, limit)),
    },
    blobStores: {
      writes: never,
      run: (prefix, from, limit) => {
        const names: string[] = [];
        let position = Buffer.from(from).toString();
        while (names.length <= limit) {
          const name = firstStore.get(position)?.store;
          if (typeof name !== 'string' || !name.startsWith(prefix)) break;
          names.push(name);
          position = `${name}\0`;
        }
        return { names: names.slice(0, limit), hasMore: names.length > limit };
      },
    },
    blobDeleteStore: {
      writes: always,
      run: (store, limit) => {
        const rows = some.all(store, limit + 1);
        const gone = rows.slice(0, limit);
        for (const { key } of gone) remove.run(store, toBytes(key));
        use.run(-gone.reduce((sum, { size }) => sum + Number(size), 0));
        const files = gone.flatMap(({ file }) => (file === null ? [] : [String(file)]));
        return { deleted: gone.length, hasMore: rows.length > limit, files };
      },
    },
    blobFiles: { writes: never, run: (files) => files.filter((file) => fileUser.get(file)) },
  };
}

type Row = Record<string, SQLOutputValue>;

/** ETags are compared as they are: W/ never matches. */
function holds(condition: PutOptions['condition'], old: Row | undefined): boolean {
  if (condition === undefined) return true;
  return condition === 'new' ? old === undefined : old?.etag === condition.ifMatch;
}

function fileOf(row: Row | undefined): { readonly file?: string } {
  return typeof row?.file === 'string' ? { file: row.file } : {};
}

function toEntry({ etag, size, type, metadata, modified_at }: Row): BlobEntry {
  return {
    etag: String(etag),
    size: Number(size),
    contentType: String(type),
    metadata: String(metadata),
    modifiedAtMs: Number(modified_at),
  };
}

/** `read`: rows from a key on, up to another, in order. A directory is skipped by one look-up. */
function readPage(
  { prefix, directories: groups, from, limit }: IndexQuery,
  read: (from: Uint8Array, to: Uint8Array, limit: number) => Row[],
): IndexPage {
  const start = Buffer.from(prefix);
  const end = afterPrefix(start);
  const blobs: ListedBlob[] = [];
  const directories: string[] = [];
  let position: Uint8Array = Buffer.compare(from, start) > 0 ? from : start;
  while (blobs.length + directories.length < limit) {
    const rows = read(position, end, limit - blobs.length - directories.length);
    if (rows.length === 0) return { blobs, directories };
    for (const row of rows) {
      const key = Buffer.from(toBytes(row.key));
      const slash = groups ? key.indexOf('/', start.length) : -1;
      if (slash >= 0) {
        directories.push(key.toString('utf8', 0, slash));
        position = afterPrefix(key.subarray(0, slash + 1));
        break;
      }
      const { etag, size, modifiedAtMs } = toEntry(row);
      blobs.push({ key: key.toString(), etag, size, modifiedAtMs });
      position = afterName(key);
    }
  }
  return read(position, end, 1).length === 0 ? { blobs, directories } : { blobs, directories, next: position };
}
