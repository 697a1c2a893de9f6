import type { CacheEntry } from '../contract/cache.ts';

/** Of the form of the bytes. Entries of another form are no entries. */
const FORM = 1;

/** Before the head: its form and its length, and the length of the body. */
const PREFIX_BYTES = 9;

/** An entry as bytes: prefix, head as JSON, body. */
export function writeEntry({ body, ...head }: CacheEntry): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(FORM, 0);
  prefix.writeUInt32LE(text.length, 1);
  prefix.writeUInt32LE(body.length, 5);
  return Buffer.concat([prefix, text, body]);
}

/** Undefined for bytes that are no whole entry. */
export function readEntry(bytes: Uint8Array): CacheEntry | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < PREFIX_BYTES || buffer.readUInt8(0) !== FORM) return undefined;
  const headEnd = PREFIX_BYTES + buffer.readUInt32LE(1);
  if (buffer.length !== headEnd + buffer.readUInt32LE(5)) return undefined;
  const head: Omit<CacheEntry, 'body'> = JSON.parse(buffer.toString('utf8', PREFIX_BYTES, headEnd)); // written by writeEntry
  return { ...head, body: buffer.subarray(headEnd) };
}
