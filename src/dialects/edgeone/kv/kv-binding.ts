import { Fault } from '../../../contract/fault.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Kv } from '../../../contract/store.ts';

/**
 * The platform's limits. Its page allows letters, digits and "_" in keys; public code also uses
 * ":", "/", "-", "." and characters outside of ASCII, so these are accepted.
 */
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_KEYS = 256;

const CONTROL = /\p{Cc}/u;

/** An entry of `list`. The platform's page documents `name`; its client for Node returns `key`. */
interface ListedKey {
  readonly key: string;
  readonly name: string;
}

interface ListResult {
  readonly keys: readonly ListedKey[];
  readonly complete: boolean;
  /** Cursor of the next page; undefined on the last page. */
  readonly cursor: string | undefined;
}

/**
 * A namespace of KV storage, with the interface of EdgeOne. A wrong argument rejects with an Error
 * with the platform's message. A store that cannot be reached rejects with the Fault
 * `store_unavailable`, which becomes a 503 if the function does not catch it.
 */
export class KvBinding {
  readonly #name: string;
  readonly #kv: Kv | undefined;
  readonly #reportIgnored: (name: string) => void;

  /**
   * `kv`: undefined if the site is read but not served. `reportIgnored`: called with the
   * name for each `put` with options, because none are supported.
   */
  constructor(name: string, kv: Kv | undefined, reportIgnored: (name: string) => void = () => undefined) {
    this.#name = name;
    this.#kv = kv;
    this.#reportIgnored = reportIgnored;
  }

  // Closures, so they can be destructured, as on the platform.

  /**
   * Null if the key is absent. As on the platform, 'json' returns the text if it is not JSON, and
   * an unknown type is text.
   */
  readonly get = async (key: unknown, options?: unknown): Promise<unknown> => {
    const text = toKey(key);
    const bytes = mistakeIn(text) === undefined ? await this.#store().get(text) : undefined;
    return bytes ? read(bytes, typeOf(options)) : null;
  };

  readonly put = async (key: unknown, value: unknown, options?: unknown): Promise<void> => {
    const text = toKey(key);
    const mistake = mistakeIn(text);
    if (mistake !== undefined) throw new Error(mistake);
    if (options !== undefined) this.#reportIgnored(this.#name);
    const bytes = await toBytes(value);
    await this.#store().put(text, bytes);
  };

  readonly delete = async (key: unknown): Promise<void> => {
    const text = toKey(key);
    if (mistakeIn(text) === undefined) await this.#store().delete(text);
  };

  readonly list = async (options?: unknown): Promise<ListResult> => {
    const { prefix, limit, cursor } = toListOptions(options);
    // One key more than the page shows whether the list is complete.
    const found = await this.#store().list(prefix, limit + 1, cursor);
    const page = found.slice(0, limit);
    const complete = found.length <= limit;
    const [last] = complete ? [] : page.slice(-1);
    return { keys: page.map((key) => ({ key, name: key })), complete, cursor: last && toCursor(last) };
  };

  #store(): Kv {
    if (this.#kv) return this.#kv;
    throw new Fault('store_unavailable', { message: `${this.#name} can be used only while nexthop serves the site` });
  }
}

function toKey(key: unknown): string {
  if (typeof key !== 'string' || key === '') throw new Error('Key must be a non-empty string');
  return key;
}

/** The mistake in a key, as a message; undefined if it is valid. */
function mistakeIn(key: string): string | undefined {
  const length = Buffer.byteLength(key);
  if (length > MAX_KEY_BYTES) return `Key size exceeds maximum limit of ${MAX_KEY_BYTES} bytes (got ${length} bytes)`;
  if (CONTROL.test(key)) return `Key must not contain control characters, got ${JSON.stringify(key)}`;
  // A lone surrogate becomes U+FFFD in UTF-8, so different keys would become the same.
  return key.isWellFormed() ? undefined : `Key must be well-formed text, got ${JSON.stringify(key)}`;
}

/** The last key of a page, encoded for URLs and headers: functions send it to their clients. */
function toCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function fromCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString();
  if (toCursor(key) === cursor) return key;
  throw new Error(`cursor must be one that list() returned, got ${JSON.stringify(cursor)}`);
}

function typeOf(options: unknown): unknown {
  return typeof options === 'object' && options !== null && 'type' in options ? options.type : options;
}

function read(bytes: Uint8Array, type: unknown): unknown {
  switch (type) {
    case 'arrayBuffer':
      return Uint8Array.from(bytes).buffer;
    case 'stream':
      return new Blob([Uint8Array.from(bytes)]).stream();
    case 'json':
      return parse(toText(bytes));
    default:
      return toText(bytes);
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The platform's client also returns the text.
    return text;
  }
}

/** Copies the value: later changes by the function must not change the stored bytes. */
async function toBytes(value: unknown): Promise<Uint8Array> {
  if (value instanceof ReadableStream) return readStream(value);
  const chunk = toChunk(value);
  refuseLarge(chunk.byteLength);
  return chunk;
}

function toChunk(value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  throw new Error(`Unsupported value type: ${value === null ? 'null' : typeof value}`);
}

/** Stops reading and cancels the stream when it is too large or a chunk is not bytes. */
async function readStream(stream: ReadableStream<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const value of stream) {
    const chunk = toChunk(value);
    bytes += chunk.byteLength;
    refuseLarge(bytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function refuseLarge(bytes: number): void {
  if (bytes > MAX_VALUE_BYTES) {
    throw new RangeError(`Value size exceeds maximum limit of ${MAX_VALUE_BYTES} bytes (25 MB), got ${bytes} bytes`);
  }
}

interface ListOptions {
  readonly prefix: string;
  readonly limit: number;
  /** The page begins after this key. */
  readonly cursor: string | undefined;
}

function toListOptions(options: unknown): ListOptions {
  const given: { prefix?: unknown; limit?: unknown; cursor?: unknown } = options ?? {};
  const { prefix, limit = MAX_KEYS, cursor } = given;
  const count = Number(limit);
  const from = toOptionalText('cursor', cursor);
  if (!(count >= 1)) throw new Error(`limit must be a number from 1 to ${MAX_KEYS}, got ${String(limit)}`);
  return {
    prefix: toOptionalText('prefix', prefix) ?? '',
    // Other platforms allow more. The rest is on the next pages.
    limit: Math.min(Math.floor(count), MAX_KEYS),
    cursor: from === undefined ? undefined : fromCursor(from),
  };
}

/** An empty string counts as absent, as in `let cursor = ''` before a loop. */
function toOptionalText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Error(`${name} must be a string, got ${typeof value}`);
  return value;
}

/**
 * Makes each namespace of KV storage a global, as the platform does, for all code of the site, also
 * functions of other platforms. Call it before any of that code is loaded. An existing global of
 * the same name is kept, and reported.
 */
export function installKv({ kvBindings = [], kv, log }: Project): readonly Problem[] {
  let isReported = false;
  const reportIgnored = (name: string): void => {
    const message = `the third argument of ${name}.put() is not used, so the value does not expire; store the time in the value`;
    if (!isReported) log.warn(message, { target: 'KV_BINDINGS' });
    isReported = true;
  };
  return kvBindings.flatMap((name) => {
    const before: unknown = Reflect.get(globalThis, name);
    if (name in globalThis && !(before instanceof KvBinding)) return [toProblem(name)];
    // The prefix keeps it apart from namespaces of other parts of nexthop, whose names users choose
    // too.
    const value = new KvBinding(name, kv?.(`edgeone:${name}`), reportIgnored);
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
    return [];
  });
}

function toProblem(name: string): Problem {
  const message = `KV_BINDINGS: ${name} is already a global and is kept; bind the namespace to another name`;
  return { severity: 'warning', file: '', message };
}
