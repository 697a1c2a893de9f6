import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from 'node:zlib';
import { contentTypeOf } from '../static/content-type.ts';

export interface Precompressed {
  /** Those for which a smaller form was written. */
  readonly files: number;
  readonly bytes: number;
  /** Of the smallest forms of these. */
  readonly compressedBytes: number;
}

/**
 * Writes `.br` and `.gz` forms beside the text files of a folder, for those that gain by it, as small as they get: a build has the time that an answer has not. A
 * form that is there already, and holds the same, is left alone.
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
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { files, bytes, compressedBytes };
}

/** As many threads as Node has for this kind of work. */
const AT_A_TIME = 4;

/** Below it an answer fits into one packet either way. */
const WORTHWHILE_BYTES = 1024;

/** What nobody would hold in memory to compress it, such as an export of a data base; brotli would take minutes. */
const TOO_LARGE_BYTES = 32 * 1024 ** 2;

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
  if (size < WORTHWHILE_BYTES || size > TOO_LARGE_BYTES) return { size, smallest: size };
  const content = await readFile(path);
  const forms: readonly Form[] = [
    { path: `${path}.br`, content: await toBrotli(content, { params: brotliParams(size) }), restore: fromBrotli },
    { path: `${path}.gz`, content: await toGzip(content, { level: constants.Z_BEST_COMPRESSION }), restore: fromGzip },
  ].filter((form) => form.content.length < size);
  await Promise.all(forms.map((form) => writeUnlessSame(form, content)));
  return { size, smallest: Math.min(size, ...forms.map((form) => form.content.length)) };
}

const toBrotli = promisify(brotliCompress);
const fromBrotli = promisify(brotliDecompress) as Form['restore']; // of its overloads the one without options
const toGzip = promisify(gzip);
const fromGzip = promisify(gunzip) as Form['restore']; // likewise

function brotliParams(size: number): Record<number, number> {
  return {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: size,
  };
}

/**
 * Somebody who brought his own form, say from `public/` or by an integration that runs before, has his reasons. One that holds something else is left from another build.
 */
async function writeUnlessSame(form: Form, content: Buffer): Promise<void> {
  const there = await readFile(form.path).catch(() => undefined); // most have none yet; of any other trouble writing tells
  const held = there && (await form.restore(there).catch(() => undefined)); // what cannot be restored holds nothing
  if (!held?.equals(content)) await writeFile(form.path, form.content);
}
