/** Copying a larger content costs more than a second write. */
const MOST_JOINED_BYTES = 16_000;

/** Bytes of the chunk given to `write` or `end`. Undefined for a chunk that Node rejects. */
export function lengthOf([chunk, encoding]: readonly unknown[]): number | undefined {
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return 0;
  if (chunk instanceof Uint8Array) return chunk.byteLength;
  if (typeof chunk !== 'string') return undefined;
  return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'); // Node refuses others
}

/** The content of a response that is sent with its head, one character a byte. Undefined for a long one, and for forms that are left to Node. */
export function toWhole([chunk, encoding, done]: readonly unknown[], bytes: number): string | undefined {
  if (typeof chunk === 'function' || typeof encoding === 'function' || typeof done === 'function') return undefined;
  if (bytes === 0) return '';
  if (bytes > MOST_JOINED_BYTES) return undefined;
  if (typeof chunk === 'string' && encoding && encoding !== 'utf8' && encoding !== 'utf-8') return undefined;
  return toLatin1(chunk as Uint8Array | string, bytes); // `lengthOf` knows no other
}

/** Content of so many bytes as text of one character a byte. */
export function toLatin1(content: Uint8Array | string, bytes: number): string {
  if (bytes === 0) return '';
  if (Buffer.isBuffer(content)) return content.toString('latin1');
  if (typeof content !== 'string') return Buffer.from(content.buffer, content.byteOffset, bytes).toString('latin1');
  // As many characters as bytes: all of it is ASCII.
  return content.length === bytes ? content : Buffer.from(content).toString('latin1');
}

/** Node writes a head together with a text, while bytes would be a second write. In latin1 each byte of the content is a character. */
export function toOneText(given: readonly unknown[]): readonly unknown[] {
  const content = given[0];
  if (!(content instanceof Uint8Array) || content.length === 0 || content.length > MOST_JOINED_BYTES) return given;
  const text = toLatin1(content, content.length);
  const done = given.at(-1);
  return typeof done === 'function' ? [text, 'latin1', done] : [text, 'latin1'];
}
