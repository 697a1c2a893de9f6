import { brotliDecompressSync, constants, inflateRawSync, inflateSync } from 'node:zlib';

/**
 * The content codings that Node's `fetch` decodes (undici, lib/web/fetch/index.js,
 * httpNetworkFetch); a test compares this with Node.
 */
const CODINGS = ['gzip', 'x-gzip', 'deflate', 'br', 'zstd'] as const;

export type Coding = (typeof CODINGS)[number];

/**
 * The last (outermost) coding of a `Content-Encoding` if `fetch` decodes it; undefined for any
 * other value. `fetch` decodes all codings of the list, or none if one of them is unknown.
 */
export function toDecodedCoding(contentEncoding: string): Coding | undefined {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  return codings.every(isCoding) ? codings.at(-1) : undefined;
}

/** Number of body bytes that are enough to detect the coding. */
export const TELLING_BYTES = 64;

/** The first bytes of a body. */
export interface Start {
  readonly bytes: Uint8Array;
  /** True if these bytes are the whole body. */
  readonly isWhole: boolean;
}

/**
 * Whether a body with these first bytes is in the given coding. Gzip and zstd start with a magic
 * number. `deflate` and `br` have none, so the start is decoded. Text does not count as `deflate`
 * or `br` unless it is a whole valid stream: the decoders accept some texts (4 % of source files as
 * the start of a brotli stream), and compressed bytes are not text. If the result is unclear, the
 * body counts as coded.
 */
export function isCoded(coding: Coding, { bytes, isWhole }: Start): boolean {
  if (bytes.length === 0) return false;
  if (coding === 'gzip' || coding === 'x-gzip' || coding === 'zstd') {
    if (isWhole && bytes.length < SHORTEST) return false;
    if (coding !== 'zstd') return startsWith(bytes, GZIP);
    return (
      startsWith(bytes, ZSTD) || ((bytes[0] as number) >> 4 === 5 && startsWith(bytes.subarray(1), ZSTD_SKIPPABLE))
    ); // not empty
  }
  const start = bytes.subarray(0, MOST_DECODED);
  const decoders = coding === 'br' ? BROTLI : DEFLATE;
  if (isWhole && start.length === bytes.length) {
    if (decoders.some((decoder) => isDecodable(decoder, start, decoder.finish))) return true;
    if (isText(start)) return false;
  } else if (start.length >= TELLING_TEXT && isText(start)) return false;
  return decoders.some((decoder) => isDecodable(decoder, start, decoder.flush));
}

function isCoding(value: string): value is Coding {
  return (CODINGS as readonly string[]).includes(value);
}

/** RFC 1952 2.3: the magic number, and the only compression method. */
const GZIP = [0x1f, 0x8b, 8];
/** RFC 8878 3.1.1 and 3.1.2, little-endian; the first byte of a skippable frame is 0x50 to 0x5f. */
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE = [0x2a, 0x4d, 0x18];

/** Bytes of an empty skippable frame; an empty body in zstd has 9, and in gzip 20. */
const SHORTEST = 8;

const MOST_DECODED = 256;

/** None of 3000 compressed files looked like text in its first 16 bytes. */
const TELLING_TEXT = 16;

/** True also if the bytes are a prefix of the magic number. */
function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => at >= bytes.length || bytes[at] === byte);
}

/** Control characters that do not occur in text. */
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]/;

function isText(bytes: Uint8Array): boolean {
  try {
    // Decode as a stream, because the last character may be cut.
    return !BINARY.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true }));
  } catch {
    // Not valid UTF-8.
    return false;
  }
}

interface Decoder {
  readonly decode: (bytes: Uint8Array, options: object) => unknown;
  /** The flush mode for the start of a body. */
  readonly flush: number;
  /** The flush mode for a whole body. */
  readonly finish: number;
}

const BROTLI: readonly Decoder[] = [
  {
    decode: brotliDecompressSync,
    flush: constants.BROTLI_OPERATION_FLUSH,
    finish: constants.BROTLI_OPERATION_FINISH,
  },
];

/**
 * `deflate` is a zlib stream (RFC 9110 8.4.1.2), but some servers send raw deflate, and clients
 * accept both.
 */
const DEFLATE: readonly Decoder[] = [inflateSync, inflateRawSync].map((decode) => ({
  decode,
  flush: constants.Z_SYNC_FLUSH,
  finish: constants.Z_FINISH,
}));

function isDecodable({ decode }: Decoder, bytes: Uint8Array, finishFlush: number): boolean {
  const options = { finishFlush, maxOutputLength: MOST_OUTPUT, info: true };
  try {
    const { engine } = decode(bytes, options) as { readonly engine: { readonly bytesWritten: number } }; // with `info`
    // The decoder ignores bytes after the end of a stream. A text may start with a short valid
    // stream.
    return engine.bytesWritten === bytes.length;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'; // zlib throws only errors that have a code
  }
}

const MOST_OUTPUT = 16 * 1024;
