import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
// The package has no types.
const S3rver = require('@20minutes/s3rver');
const S3Object = require('@20minutes/s3rver/lib/models/object.js');
const S3Error = require('@20minutes/s3rver/lib/models/error.js');

export interface S3Server {
  /** The value of BLOBS_S3 for a prefix. */
  url(prefix: string): string;
  close(): Promise<void>;
}

/**
 * Starts S3rver on a free port. It checks signatures and speaks the XML of S3. Its store, which lists by
 * UTF-16, cannot hold all keys and has no conditional writes, is replaced by one in memory.
 * `hasConditions`: false for a server that ignores the headers of conditional writes.
 */
export async function runS3({ hasConditions = true } = {}): Promise<S3Server> {
  replaceOldCipher();
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, vhostBuckets: false });
  const requests = new AsyncLocalStorage<Headers>();
  const store = new MemoryStore(() => (hasConditions ? requests.getStore() : undefined));
  server.store = store;
  server.context.store = store;
  // Before the router, which is the last one.
  server.middleware.splice(-1, 0, async (ctx: Context, next: () => Promise<void>) => {
    await requests.run(ctx.headers, next);
    encodeNames(ctx);
  });
  server.logger.silent = true;
  const { port } = (await server.run()) as AddressInfo;
  return {
    url: (prefix) => `http://S3RVER:S3RVER@127.0.0.1:${port}/bucket/${prefix}`,
    close: () => server.close(),
  };
}

type Headers = Readonly<Record<string, string | undefined>>;

interface Context {
  readonly headers: Headers;
  readonly body?: {
    readonly ListBucketResult?: {
      EncodingType?: 'url';
      Contents: { Key: string }[];
      CommonPrefixes: { Prefix: string }[];
    };
  };
}

/** `encoding-type=url`, which S3rver has not. Without it, it escapes names twice. */
function encodeNames({ body }: Context): void {
  const list = body?.ListBucketResult;
  if (!list) return;
  list.EncodingType = 'url';
  const encode = (name: string): string => encodeURIComponent(name).replaceAll('%20', '+').replaceAll("'", '%27');
  for (const object of list.Contents) object.Key = encode(object.Key);
  for (const group of list.CommonPrefixes) group.Prefix = encode(group.Prefix);
}

interface Stored {
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, string | number>>;
}

interface ListOptions {
  readonly delimiter?: string;
  readonly startAfter?: string;
  readonly prefix?: string;
  readonly maxKeys?: number;
}

/** The methods of S3rver's own store that its handlers of objects call. */
class MemoryStore {
  readonly #objects = new Map<string, Stored>();
  readonly #headers: () => Headers | undefined;

  constructor(headers: () => Headers | undefined) {
    this.#headers = headers;
  }

  async getBucket(name: string) {
    return name === 'bucket' ? { name, creationDate: new Date(0) } : null;
  }

  /** No bucket has settings. */
  async getSubresource() {
    return null;
  }

  async existsObject(_: string, key: string): Promise<boolean> {
    return this.#objects.has(key);
  }

  async getObject(bucket: string, key: string) {
    const stored = this.#objects.get(key);
    return stored
      ? new S3Object(bucket, key, Readable.from([stored.bytes], { objectMode: false }), stored.metadata)
      : null;
  }

  async putObject({ key, content, metadata }: { key: string; content: Buffer | Readable; metadata: object }) {
    const bytes = Buffer.isBuffer(content) ? content : await buffer(content);
    const md5 = createHash('md5').update(bytes).digest('hex');
    const { 'if-match': match, 'if-none-match': none } = this.#headers() ?? {};
    const old = this.#objects.get(key);
    if (match !== undefined && !old) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
    if ((none === '*' && old) || (match !== undefined && old?.metadata.etag !== match)) {
      throw new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    }
    const facts = { etag: `"${md5}"`, 'content-length': bytes.length, 'last-modified': new Date().toUTCString() };
    this.#objects.set(key, { bytes, metadata: { ...metadata, ...facts } });
    return { size: bytes.length, md5 };
  }

  async deleteObject(_: string, key: string): Promise<void> {
    this.#objects.delete(key);
  }

  async listObjects(bucket: string, { delimiter, startAfter = '', prefix = '', maxKeys = 1000 }: ListOptions) {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
    const objects: string[] = [];
    const commonPrefixes = new Set<string>();
    for (const key of keys) {
      if (byBytes(key, startAfter) <= 0) continue;
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      if (end >= 0) commonPrefixes.add(key.slice(0, end + 1));
      else objects.push(key);
      if (objects.length > maxKeys) break;
    }
    const page = objects.slice(0, maxKeys);
    return {
      objects: page.map((key) => new S3Object(bucket, key, null, this.#objects.get(key)?.metadata ?? {})),
      commonPrefixes: [...commonPrefixes],
      isTruncated: objects.length > page.length,
    };
  }
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** S3rver encrypts the tokens of its pages with DES, which OpenSSL no longer has. */
function replaceOldCipher(): void {
  const crypto = require('node:crypto');
  const plain = { update: (text: string | Buffer) => Buffer.from(text), final: () => Buffer.alloc(0) };
  for (const name of ['createCipheriv', 'createDecipheriv']) {
    const original = crypto[name];
    crypto[name] = (algorithm: string, ...rest: unknown[]) =>
      algorithm === 'des' ? plain : original(algorithm, ...rest);
  }
}
