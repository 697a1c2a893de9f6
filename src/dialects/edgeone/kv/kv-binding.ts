import { Fault } from '../../../contract/fault.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Kv } from '../../../contract/store.ts';

/** As the platform has them. Its page allows letters, digits and "_" in keys; public code also uses ":", "/", "-", "." and text beyond ASCII. */
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_KEYS = 256;

const CONTROL = /\p{Cc}/u;

/** What a page of keys looks like: the platform's page says `name`, its own client for Node `key`. */
interface ListedKey {
  readonly key: string;
  readonly name: string;
}

interface ListResult {
  readonly keys: readonly ListedKey[];
  readonly complete: boolean;
  /** For the next page; undefined behind the last one. */
  readonly cursor: string | undefined;
}

/**
 * A namespace of KV storage as functions of EdgeOne see it. What a caller got wrong rejects with an Error in the platform's words; a store that is away
 * with the Fault `store_unavailable`, which becomes a 503 where the function lets it through.
 */
export class KvBinding {
  readonly #name: string;
  readonly #kv: Kv | undefined;
  readonly #reportIgnored: () => void;

  /** `kv`: undefined where functions are looked at and not served. `reportIgnored`: called for each `put` with options, of which there are none. */
  constructor(name: string, kv: Kv | undefined, reportIgnored: () => void = () => undefined) {
    this.#name = name;
    this.#kv = kv;
    this.#reportIgnored = reportIgnored;
  }

  // Functions of their own, so that they may be destructured, as they may there.

  /** Null if there is no such key. As on the platform 'json' gives the text where it is none, and an unknown type is text. */
  readonly get = async (key: unknown, options?: unknown): Promise<unknown> => {
    const text = toKey(key);
    const bytes = complaintOf(text) === undefined ? await this.#store().get(text) : undefined;
    return bytes ? read(bytes, typeOf(options)) : null;
  };

  readonly put = async (key: unknown, value: unknown, options?: unknown): Promise<void> => {
    const text = toKey(key);
    const complaint = complaintOf(text);
    if (complaint !== undefined) throw new Error(complaint);
    if (options !== undefined) this.#reportIgnored();
    const bytes = await toBytes(value);
    await this.#store().put(text, bytes);
  };

  readonly delete = async (key: unknown): Promise<void> => {
    const text = toKey(key);
    if (complaintOf(text) === undefined) await this.#store().delete(text);
  };

  readonly list = async (options?: unknown): Promise<ListResult> => {
    const { prefix, limit, cursor } = toListOptions(options);
    // One more tells whether these are all.
    const found = await this.#store().list(prefix, limit + 1, cursor);
    const page = found.slice(0, limit);
    const complete = found.length <= limit;
    const [last] = complete ? [] : page.slice(-1);
    return { keys: page.map((key) => ({ key, name: key })), complete, cursor: last && toCursor(last) };
  };

  #store(): Kv {
    if (this.#kv) return this.#kv;
    throw new Fault('store_unavailable', { message: `${this.#name} holds values only while nexthop serves the site` });
  }
}

function toKey(key: unknown): string {
  if (typeof key !== 'string' || key === '') throw new Error('Key must be a non-empty string');
  return key;
}

/** Undefined for a key under which a value can stand. */
function complaintOf(key: string): string | undefined {
  const length = Buffer.byteLength(key);
  if (length > MAX_KEY_BYTES) return `Key size exceeds maximum limit of ${MAX_KEY_BYTES} bytes (got ${length} bytes)`;
  if (CONTROL.test(key)) return `Key must not contain control characters, got ${JSON.stringify(key)}`;
  // In UTF-8 half a surrogate pair would become another character, and two keys one.
  return key.isWellFormed() ? undefined : `Key must be well-formed text, got ${JSON.stringify(key)}`;
}

/** The last key of a page in a form that stays as it is in URLs and headers, where functions hand it to their clients. */
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
    // As the platform's client does.
    return text;
  }
}

/** A copy: what the function does with its own afterwards must not change what is stored. */
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

/** Stops reading, and cancels, as soon as it is too much or no bytes. */
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
  /** The key after which the page begins. */
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
    // Whoever asks for more, as other platforms allow, finds the rest on the next pages.
    limit: Math.min(Math.floor(count), MAX_KEYS),
    cursor: from === undefined ? undefined : fromCursor(from),
  };
}

/** Empty is none, as in `let cursor = ''` in front of a loop. */
function toOptionalText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Error(`${name} must be a string, got ${typeof value}`);
  return value;
}

/**
 * Makes each namespace of KV storage a global of its name, as the platform does, for all code of the site, functions of other platforms too. At once, so that
 * it is there before any of that is loaded. A name that is taken stays what it is, and that is told.
 */
export function installKv({ kvBindings = [], kv, log }: Project): readonly Problem[] {
  let isReported = false;
  const reportIgnored = (): void => {
    if (!isReported)
      log.warn('KV: a third argument of put() is not used; values do not expire', { target: 'KV_BINDINGS' });
    isReported = true;
  };
  return kvBindings.flatMap((name) => {
    const before: unknown = Reflect.get(globalThis, name);
    if (name in globalThis && !(before instanceof KvBinding)) return [toProblem(name)];
    // In a room of its own: others keep values by names of their choice, too.
    const value = new KvBinding(name, kv?.(`edgeone:${name}`), reportIgnored);
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
    return [];
  });
}

function toProblem(name: string): Problem {
  const message = `KV_BINDINGS: ${name} is a global already, and stays what it is; bind the namespace to another name`;
  return { severity: 'warning', file: '', message };
}
