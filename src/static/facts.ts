import { hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Coding } from './choose-codings.ts';
import type { Validators } from './precondition.ts';

/**
 * Files up to this size get a tag from their content: reading one once costs about a millisecond.
 */
const HASHED_BYTES = 1024 ** 2;

/** 17 characters are about a hundred bits, so that tags of different contents do not collide. */
const TAG_LENGTH = 17;

/**
 * A file must have been unchanged for this long before it is read. A write sets the file's time
 * when it begins, from a clock with a resolution of some milliseconds. So shortly after a change,
 * further changes may leave the same time.
 */
const SETTLING_MS = 50;

/** How often reading is tried on a file that keeps changing. */
const ATTEMPTS = 5;

/** Properties of a file on disk in one of its states. */
export interface Facts extends Validators {
  readonly size: number;
  readonly lastModified: string;
  readonly stats: Stats;
  /** The whole content, if it is held in memory; removed when memory is short. */
  bytes: Buffer | undefined;
}

/**
 * Reads the facts of an open file. The tag depends on the content, so replicas agree on it, and it
 * changes even if a build sets the times of all files to the same moment. The tag of a large file
 * depends on its size and its time in microseconds. `bytes` is set if the file was read. Undefined
 * if it is not a file. Throws if the file changes all the time.
 */
export async function readFacts(handle: FileHandle, coding: Coding): Promise<Facts | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stats = await handle.stat();
    if (!stats.isFile()) return undefined;
    const ageMs = Date.now() - stats.ctimeMs;
    // The clock of a file server may be ahead of this one; the wait is limited.
    if (ageMs < SETTLING_MS) await delay(Math.min(SETTLING_MS, SETTLING_MS - ageMs));
    const bytes = stats.size <= HASHED_BYTES ? await readWhole(handle, stats.size) : undefined;
    // If it was changed meanwhile, the bytes may be a mixture of the old and the new content.
    if (isUntouched(await handle.stat(), stats)) return toFacts(stats, coding, bytes);
  }
  throw new Error('it changes all the time');
}

function toFacts(stats: Stats, coding: Coding, bytes: Buffer | undefined): Facts {
  const tag = bytes ? hash('sha256', bytes, 'base64url').slice(0, TAG_LENGTH) : toTag(stats);
  // A time in the future would make every cached copy look old (RFC 9110 8.8.2.1).
  const modifiedMs = Math.floor(Math.min(stats.mtimeMs, Date.now()) / 1000) * 1000;
  return {
    size: bytes?.length ?? stats.size,
    // RFC 9110 8.8.3.3: each coding has its own tag.
    etag: coding === 'identity' ? `"${tag}"` : `"${tag}-${coding}"`,
    modifiedMs,
    lastModified: new Date(modifiedMs).toUTCString(),
    stats,
    bytes,
  };
}

/**
 * Whether a path still leads to the file that was read. The modification time can be set back, but
 * that sets the change time.
 */
export function isSameFile(one: Stats, other: Stats): boolean {
  return isUntouched(one, other) && one.ctimeMs === other.ctimeMs && one.ino === other.ino && one.dev === other.dev;
}

/**
 * Whether an open file was not written to. It may have been renamed or replaced; that does not
 * change its content.
 */
export function isUntouched(one: Stats, other: Stats): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function toTag({ size, mtimeMs }: Stats): string {
  return `${size.toString(36)}-${Math.round(mtimeMs * 1000).toString(36)}`;
}

/** Reads up to `size` bytes; fewer if the file has become shorter. */
async function readWhole(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length === size ? bytes : bytes.subarray(0, length);
}
