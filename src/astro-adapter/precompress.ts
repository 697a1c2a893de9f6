import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from 'node:zlib';
import { contentTypeOf } from '../http/content-type.ts';

export interface Precompressed {
  /** Number of files that have a smaller form. */
  readonly files: number;
  /** Total size of these files. */
  readonly bytes: number;
  /** Total size of their smallest forms. */
  readonly compressedBytes: number;
}

/**
 * Writes `.br` and `.gz` forms beside the text files of a folder, if these are smaller. Uses the
 * highest compression, for which a response has no time. Keeps an existing form with the same
 * content.
 */
export async function precompress(folder: string): Promise<Precompressed> {
  const waiting = await listTexts(folder);
  let files = 0;
  let bytes = 0;
  let compressedBytes = 0;
  const work = async (): Promise<void> => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const { size, smallest } = await compress(path);
      if (smallest >= size) continue;
      files++;
      bytes += size;
      compressedBytes += smallest;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return { files, bytes, compressedBytes };
}

/** The size of Node's thread pool. */
const CONCURRENCY = 4;

/** A smaller file fits into one packet without compression. */
const SMALLEST_BYTES = 1024;

/**
 * A larger file, such as an export of a database, would need too much memory, and minutes with
 * brotli.
 */
const LARGEST_BYTES = 32 * 1024 ** 2;

async function listTexts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && isText(entry.name));
  return names.map((entry) => join(entry.parentPath, entry.name));
}

const TEXT =
  /^text\/|[/+](?:json|xml)$|^application\/(?:wasm|yaml|vnd\.apple\.mpegurl)|^font\/[ot]tf|ms-fontobject|x-icon$|^image\/bmp/;

function isText(name: string): boolean {
  return TEXT.test(contentTypeOf(name).replace(/;.*/, ''));
}

interface Sizes {
  readonly size: number;
  readonly smallest: number;
}

interface Form {
  readonly path: string;
  readonly content: Buffer;
  restore(stored: Buffer): Promise<Buffer>;
}

async function compress(path: string): Promise<Sizes> {
  const { size } = await stat(path);
  if (size < SMALLEST_BYTES || size > LARGEST_BYTES) return { size, smallest: size };
  const content = await readFile(path);
  const forms: readonly Form[] = [
    { path: `${path}.br`, content: await toBrotli(content, { params: brotliParams(size) }), restore: fromBrotli },
    { path: `${path}.gz`, content: await toGzip(content, { level: constants.Z_BEST_COMPRESSION }), restore: fromGzip },
  ].filter((form) => form.content.length < size);
  await Promise.all(forms.map((form) => writeUnlessSame(form, content)));
  return { size, smallest: Math.min(size, ...forms.map((form) => form.content.length)) };
}

const toBrotli = promisify(brotliCompress);
const fromBrotli = promisify(brotliDecompress) as Form['restore']; // the overload without options
const toGzip = promisify(gzip);
const fromGzip = promisify(gunzip) as Form['restore']; // the overload without options

function brotliParams(size: number): Record<number, number> {
  return {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: size,
  };
}

/**
 * Writes a form, unless one with the same content exists: a site may bring its own, from `public/`
 * or from another integration. A form with another content is from an earlier build.
 */
async function writeUnlessSame(form: Form, content: Buffer): Promise<void> {
  const stored = await readFile(form.path).catch(() => undefined); // usually missing; other errors also fail the write
  const restored = stored && (await form.restore(stored).catch(() => undefined)); // an invalid form is overwritten
  if (!restored?.equals(content)) await writeFile(form.path, form.content);
}
