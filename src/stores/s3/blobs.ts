import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Bucket } from '../../config/s3-url.ts';
import {
  type BlobBody,
  type BlobEntry,
  type BlobPage,
  BlobRefusal,
  type BlobStorage,
  checkNames,
  checkStore,
  type FoundBlob,
  type ListQuery,
  type PutOptions,
  type PutOutcome,
  type StorePage,
  UnfitBlobStorage,
} from '../../contract/blob-storage.ts';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import { randomName, storeBody } from '../blob-body.ts';
import { readCursor, toCursor } from '../blob-cursor.ts';
import { BucketClient } from './bucket.ts';
import { readErrorText, readObjectPage } from './list-xml.ts';

/** A longer body is written to a file first: a request to S3 needs its length. */
const MEMORY_BYTES = 4 * 1024 * 1024;

/** Objects that are deleted at once. */
const DELETES = 20;

/** AWS refuses one of two simultaneous conditional writes. */
const CONFLICTS = 10;

const METADATA = 'x-amz-meta-user';

/** Codes of servers that cannot hold every key, e.g. those with an empty segment. */
const BAD_NAME = /^(?:XMinioInvalid\w*|InvalidObjectName|KeyTooLong\w*|InvalidURI|MetadataTooLarge)\b/;

export interface S3BlobsSetup {
  readonly bucket: S3Bucket;
  /** Keys begin with it, so that several sites may use one bucket. */
  readonly site: string;
  /** For bodies on their way. */
  readonly folder: string;
  readonly objectLimitBytes: number;
  readonly log: Log;
  readonly observer?: StoreObserver | undefined;
}

/**
 * Blobs in a bucket: the object `<prefix>/<site>/<store>/<key>` is the blob, its ETag and its
 * conditional writes are those of S3.
 */
export class S3Blobs implements BlobStorage {
  readonly isShared = true;
  readonly #setup: S3BlobsSetup;
  readonly #client: BucketClient;
  readonly #root: string;
  #isChecked = false;

  constructor(setup: S3BlobsSetup) {
    this.#setup = setup;
    this.#client = new BucketClient(setup.bucket, setup.log, setup.observer);
    const { prefix } = setup.bucket;
    this.#root = `${prefix === '' ? '' : `${prefix}/`}${setup.site}/`;
  }

  async get(store: string, key: string): Promise<FoundBlob | undefined> {
    const response = await this.#client.send({ method: 'GET', key: this.#toKey(store, key), expects: [404] });
    if (response.status === 404) return missing(response);
    return { entry: toEntry(response), body: response.body ? hold(response.body) : new Uint8Array() };
  }

  async head(store: string, key: string): Promise<BlobEntry | undefined> {
    const response = await this.#client.send({ method: 'HEAD', key: this.#toKey(store, key), expects: [404] });
    return response.status === 404 ? missing(response) : toEntry(response);
  }

  async put(store: string, key: string, body: BlobBody, options: PutOptions = {}): Promise<PutOutcome> {
    const { contentType = '', metadata = '', condition } = options;
    const object = this.#toKey(store, key);
    if (condition !== undefined && !this.#isChecked) await this.#checkLate();
    let file: string | undefined;
    const createPath = (): string => {
      file = join(this.#setup.folder, randomName());
      return file;
    };
    const files = { memoryBytes: MEMORY_BYTES, createPath, fsync: false };
    try {
      const { bytes } = await storeBody(body, { metadata, limitBytes: this.#setup.objectLimitBytes, files });
      const headers = {
        ...(contentType !== '' && { 'content-type': contentType }),
        ...(metadata !== '' && { [METADATA]: metadata }),
        ...toConditionHeader(condition),
      };
      return await this.#upload(object, headers, file === undefined ? bytes : await openAsBlob(file));
    } finally {
      if (file !== undefined) await rm(file, { force: true });
    }
  }

  async delete(store: string, key: string, ifMatch?: string): Promise<'deleted' | 'missing' | 'changed'> {
    const object = this.#toKey(store, key);
    // Not every server compares the ETag of a DELETE.
    if (ifMatch !== undefined && (await this.head(store, key))?.etag !== ifMatch) return 'changed';
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
    const response = await this.#client.send({ method: 'DELETE', key: object, headers, expects: [404, 412] });
    await response.body?.cancel();
    if (response.status === 412) return 'changed';
    return response.status === 404 ? 'missing' : 'deleted';
  }

  async list(store: string, { prefix = '', directories = false, cursor }: ListQuery = {}): Promise<BlobPage> {
    checkStore(store);
    const root = `${this.#root}${store}/`;
    const page = await this.#listObjects(root + prefix, directories, cursor);
    return {
      blobs: page.objects.map(({ key, ...blob }) => ({ ...blob, key: key.slice(root.length) })),
      directories: page.prefixes.map((name) => name.slice(root.length, -1)),
      ...(page.token !== undefined && { cursor: toCursor(Buffer.from(page.token)) }),
    };
  }

  async listStores(prefix: string, cursor?: string): Promise<StorePage> {
    const page = await this.#listObjects(this.#root + prefix, true, cursor);
    return {
      stores: page.prefixes.map((name) => name.slice(this.#root.length, -1)),
      ...(page.token !== undefined && { cursor: toCursor(Buffer.from(page.token)) }),
    };
  }

  async deleteStore(store: string): Promise<{ deleted: number; hasMore: boolean }> {
    const { blobs, cursor } = await this.list(store);
    for (let at = 0; at < blobs.length; at += DELETES) {
      await Promise.all(blobs.slice(at, at + DELETES).map(({ key }) => this.delete(store, key)));
    }
    return { deleted: blobs.length, hasMore: cursor !== undefined };
  }

  /** Writes a scratch object twice: the second write must be refused. */
  async check(): Promise<void> {
    const key = `${this.#root}nexthop:check/${randomName()}`;
    let reason = '';
    const put = async (condition: NonNullable<PutOptions['condition']>): Promise<number> => {
      const headers = toConditionHeader(condition);
      const expects = [400, 403, 404, 412, 501];
      const response = await this.#client.send({ method: 'PUT', key, headers, body: Buffer.from('x'), expects });
      reason = readErrorText(await response.text());
      return response.status;
    };
    const statuses: number[] = [];
    try {
      const first = await put('new');
      if (first !== 200) throw this.#unfit(`refuses a write: ${first} ${reason}`);
      statuses.push(first, await put('new'), await put({ ifMatch: '"0123"' }));
      await this.#client.send({ method: 'DELETE', key, expects: [404] });
    } catch (error) {
      // It is away, which the client has logged; the first conditional write checks again.
      if (error instanceof Fault) return;
      throw error;
    }
    if (statuses[1] !== 412 || statuses[2] !== 412) {
      throw this.#unfit(`has no conditional writes, which onlyIfNew and onlyIfMatch need: got ${statuses.join(', ')}`);
    }
    this.#isChecked = true;
  }

  async #checkLate(): Promise<void> {
    try {
      await this.check();
    } catch (cause) {
      if (!(cause instanceof UnfitBlobStorage)) throw cause;
      this.#setup.log.error(cause.message);
      throw new Fault('store_unavailable', { message: cause.message, cause });
    }
  }

  #unfit(what: string): UnfitBlobStorage {
    return new UnfitBlobStorage(`BLOBS_S3: ${this.#client.name} ${what}`);
  }

  async #upload(key: string, headers: Record<string, string>, body: Buffer<ArrayBuffer> | Blob): Promise<PutOutcome> {
    for (let conflict = 0; conflict < CONFLICTS; conflict++) {
      const response = await this.#client.send({ method: 'PUT', key, headers, body, expects: [400, 404, 409, 412] });
      const reason = readErrorText(await response.text());
      if (BAD_NAME.test(reason)) throw new BlobRefusal('bad_name', `${this.#client.name} refuses this blob: ${reason}`);
      if (response.ok) return { state: 'stored', etag: response.headers.get('etag') ?? '' };
      // 404: there is no object to match.
      if (response.status === 412 || (response.status === 404 && 'if-match' in headers)) return { state: 'changed' };
      if (response.status === 409) continue;
      throw new Fault('store_unavailable', {
        message: `${this.#client.name} refuses PUT: ${response.status} ${reason}`,
      });
    }
    throw new Fault('store_unavailable', { message: `${this.#client.name} had ${CONFLICTS} conflicts about ${key}` });
  }

  async #listObjects(prefix: string, groups: boolean, cursor: string | undefined) {
    const query = {
      'list-type': '2',
      // XML cannot hold every character of a key.
      'encoding-type': 'url',
      prefix,
      ...(groups && { delimiter: '/' }),
      ...(cursor !== undefined && { 'continuation-token': readCursor(cursor).toString() }),
    };
    const response = await this.#client.send({ method: 'GET', query, expects: [] });
    return readObjectPage(await response.text());
  }

  #toKey(store: string, key: string): string {
    checkNames(store, key);
    return `${this.#root}${store}/${key}`;
  }
}

/**
 * The same stream, for callers that drop the Response: `fetch` cancels the body of a Response that
 * is garbage, unless a reader has it.
 */
function hold(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function missing(response: Response): Promise<undefined> {
  await response.body?.cancel();
}

function toConditionHeader(condition: PutOptions['condition']): Record<string, string> {
  if (condition === undefined) return {};
  return condition === 'new' ? { 'if-none-match': '*' } : { 'if-match': condition.ifMatch };
}

function toEntry({ headers }: Response): BlobEntry {
  return {
    etag: headers.get('etag') ?? '',
    size: Number(headers.get('content-length')),
    contentType: headers.get('content-type') ?? '',
    metadata: headers.get(METADATA) ?? '',
    modifiedAtMs: Date.parse(headers.get('last-modified') ?? ''),
  };
}
