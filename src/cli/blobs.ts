import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../config/config.ts';
import { BlobRefusal, type BlobStorage, type ListedBlob } from '../contract/blob-storage.ts';
import { Fault } from '../contract/fault.ts';
import { didYouMean } from '../contract/problem.ts';
import { openBlobs } from '../stores/open.ts';
import { align } from './align.ts';
import { type BlobsCall, BlobsError, toBlobsVerb, toStoreName } from './blobs-call.ts';
import { importFolder, importSite } from './blobs-import.ts';
import { defineCommand } from './command.ts';
import { confirm } from './confirm.ts';
import { explainNoStore, useStore } from './use-store.ts';

export const command = defineCommand({
  forms: [
    'blobs [list [STORE]]',
    'blobs get STORE KEY',
    'blobs set STORE KEY [FILE]',
    'blobs delete STORE KEY',
    'blobs delete STORE --all',
    'blobs import STORE FOLDER',
    'blobs import --from=SITE_ID [STORE...]',
  ],
  about: 'Lists, reads, writes, deletes or imports the blobs of the site, whether nexthop runs or not.',
  words: 'own',
  flags: {
    json: { about: 'print JSON; get: what is known about the blob, not its content' },
    prefix: { value: 'TEXT', about: 'list: only names that begin with it' },
    all: { about: 'delete: all blobs of a store' },
    yes: { about: 'delete with --all: do not ask' },
    from: { value: 'SITE_ID', about: 'import: from this site at Netlify, with NETLIFY_AUTH_TOKEN' },
  },
  examples: [
    ['nexthop blobs list orders --prefix=2026/', 'the blobs of getStore("orders") below 2026/'],
    ['nexthop blobs get orders 2026/1 > order.json', 'the content of one blob'],
  ],
  exits: { 0: 'done', 1: 'there is no such blob, or the storage cannot be used' },
  run: ({ config, out, flags, words, stdout }) =>
    blobs(config, { out, stdout, stdin: process.stdin }, { ...flags, words }),
});

export interface Terminal {
  readonly out: (line: string) => void;
  readonly stdout: NodeJS.WritableStream;
  readonly stdin: NodeJS.ReadableStream;
}

/**
 * Reads or changes the blobs of a site, whether nexthop runs or not. Resolves with the exit code: 1
 * if there is no such blob. Rejects with a BlobsError if the storage cannot be used, with a
 * UsageError if the arguments are invalid.
 */
export async function blobs(config: Config, terminal: Terminal, call: BlobsCall): Promise<number> {
  const { verb, names } = toBlobsVerb(call);
  const isWrite = verb === 'set' || verb === 'import';
  const noStore = isWrite || config.BLOBS_S3 ? undefined : explainNoStore(config);
  if (noStore !== undefined) throw new BlobsError(noStore);
  try {
    return await useStore(config, async (store, log) => {
      const storage = openBlobs(config, store, log);
      const [name = '', key = '', file] = names;
      const place = { storage, store: toStoreName(name), key };
      switch (verb) {
        case 'list':
          return names.length === 0 ? listStores(storage, terminal, call) : list(place, terminal, call);
        case 'get':
          return get(place, terminal, call);
        case 'set':
          return set(place, terminal, { ...call, file });
        case 'delete':
          return call.all ? deleteAll(place, terminal, call) : remove(place, terminal, call);
        case 'import':
          return tell(terminal, call, { ...(await runImport(storage, call, { names, config })) });
      }
    });
  } catch (error) {
    throw explain(error, config);
  }
}

interface Place {
  readonly storage: BlobStorage;
  readonly store: string;
  readonly key: string;
}

async function listStores(storage: BlobStorage, { out }: Terminal, { json, prefix = '' }: BlobsCall): Promise<number> {
  const stores = await namesOf(storage, prefix);
  if (json) out(JSON.stringify({ stores }, undefined, 2));
  else for (const store of stores) out(toShortName(store));
  return 0;
}

async function namesOf(storage: BlobStorage, prefix: string): Promise<readonly string[]> {
  const stores: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await storage.listStores(prefix, cursor);
    stores.push(...page.stores);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return stores;
}

function toShortName(store: string): string {
  return store.replace(/^site:/, '');
}

/** `; did you mean orders?` for a store without blobs, if another one has nearly the same name. A store may have none yet. */
async function suggestStore(storage: BlobStorage, store: string): Promise<string> {
  const stores = await namesOf(storage, '');
  return stores.includes(store) ? '' : didYouMean(toShortName(store), stores.map(toShortName));
}

/** Throws a BlobsError if another store has nearly the same name. */
async function checkStore({ storage, store }: Place): Promise<void> {
  const nearest = await suggestStore(storage, store);
  if (nearest !== '') throw new BlobsError(`the store ${JSON.stringify(toShortName(store))} has no blobs${nearest}`);
}

async function list(place: Place, { out }: Terminal, { json, prefix = '' }: BlobsCall): Promise<number> {
  const { storage, store } = place;
  const found: ListedBlob[] = [];
  let cursor: string | undefined;
  do {
    const page = await storage.list(store, { prefix, ...(cursor !== undefined && { cursor }) });
    found.push(...page.blobs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (found.length === 0) await checkStore(place);
  if (json) {
    out(
      JSON.stringify(
        { blobs: found.map(({ modifiedAtMs, ...blob }) => ({ ...blob, modified: toTime(modifiedAtMs) })) },
        undefined,
        2,
      ),
    );
    return 0;
  }
  const rows = found.map(({ key, size, modifiedAtMs }) => [String(size), toTime(modifiedAtMs), key]);
  if (rows.length > 0) for (const line of align([['bytes', 'modified', 'key'], ...rows])) out(line);
  return 0;
}

/** The content; with `--json` what is known about it. */
async function get(place: Place, { out, stdout }: Terminal, { json }: BlobsCall): Promise<number> {
  const { storage, store, key } = place;
  if (json) {
    const entry = await storage.head(store, key);
    if (!entry) throw await toMissing(place);
    const { modifiedAtMs, metadata, ...rest } = entry;
    out(
      JSON.stringify({ key, ...rest, modified: toTime(modifiedAtMs), metadata: readMetadata(metadata) }, undefined, 2),
    );
    return 0;
  }
  const found = await storage.get(store, key);
  if (!found) throw await toMissing(place);
  const { body } = found;
  await pipeline(body instanceof Uint8Array ? Readable.from([body], { objectMode: false }) : body, stdout, {
    end: false,
  });
  return 0;
}

interface SetCall extends BlobsCall {
  readonly file: string | undefined;
}

async function set({ storage, store, key }: Place, terminal: Terminal, { file, ...call }: SetCall): Promise<number> {
  const body = file === undefined ? terminal.stdin : createReadStream(file);
  const outcome = await storage.put(store, key, body as AsyncIterable<Uint8Array>); // neither has an encoding
  return tell(terminal, call, { key, etag: outcome.state === 'stored' ? outcome.etag : '' });
}

async function remove(place: Place, terminal: Terminal, call: BlobsCall): Promise<number> {
  if ((await place.storage.delete(place.store, place.key)) === 'missing') throw await toMissing(place);
  return tell(terminal, call, { deleted: 1 });
}

async function deleteAll(place: Place, terminal: Terminal, call: BlobsCall): Promise<number> {
  const { storage, store } = place;
  const { blobs: some } = await storage.list(store);
  if (some.length === 0) await checkStore(place);
  else await confirm({ what: `delete all blobs of ${toShortName(store)}`, yes: call.yes });
  let deleted = 0;
  for (let hasMore = true; hasMore; ) {
    const step = await storage.deleteStore(store);
    deleted += step.deleted;
    hasMore = step.hasMore;
  }
  return tell(terminal, call, { deleted });
}

interface ImportParts {
  readonly names: readonly string[];
  readonly config: Config;
}

async function runImport(storage: BlobStorage, { from }: BlobsCall, { names, config }: ImportParts) {
  if (from === undefined) {
    const [name = '', folder = ''] = names;
    return importFolder(storage, toStoreName(name), folder);
  }
  const token = config.functionEnv.NETLIFY_AUTH_TOKEN;
  if (!token) throw new BlobsError('NETLIFY_AUTH_TOKEN must be a token of the site at Netlify; it is not set');
  return importSite(storage, { site: from, token, stores: names.map(toStoreName) });
}

/** Prints the result of a change: `name value` for each fact. */
function tell({ out }: Terminal, { json }: BlobsCall, facts: Readonly<Record<string, unknown>>): number {
  if (json) out(JSON.stringify(facts, undefined, 2));
  else for (const [name, value] of Object.entries(facts)) out(`${name} ${value}`);
  return 0;
}

async function toMissing({ storage, store, key }: Place): Promise<BlobsError> {
  return new BlobsError(`there is no blob ${JSON.stringify(key)} in ${store}${await suggestStore(storage, store)}`);
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** As the client encodes it. Metadata of another origin is printed as it is. */
function readMetadata(metadata: string): unknown {
  if (!metadata.startsWith('b64;')) return metadata === '' ? {} : metadata;
  return JSON.parse(Buffer.from(metadata.slice(4), 'base64').toString());
}

function explain(error: unknown, { BLOBS_S3, REDIS_URL, DATA_DIR }: Config): unknown {
  if (error instanceof BlobRefusal) return new BlobsError(error.message, { cause: error });
  if (!(error instanceof Fault) || error.code !== 'store_unavailable') {
    const { code, message } = error as NodeJS.ErrnoException; // code of node:fs, for a file that was named
    return code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR'
      ? new BlobsError(message, { cause: error })
      : error;
  }
  const place = BLOBS_S3
    ? 'check BLOBS_S3'
    : REDIS_URL
      ? 'check REDIS_URL'
      : `check DATA_DIR (${DATA_DIR}) or --site=PATH`;
  return new BlobsError(`the blobs cannot be used: ${error.message}; ${place}`, { cause: error });
}
