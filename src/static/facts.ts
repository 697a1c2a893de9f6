import { hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Coding } from './choose-codings.ts';
import type { Validators } from './precondition.ts';

/** Up to here a file is tagged by its content: reading it once costs about a millisecond. */
const HASHED_BYTES = 1024 ** 2;

/** A hundred bits, so that no two contents meet. */
const TAG_LENGTH = 17;

/**
 * So long a file must have been left alone before it is read. A write marks the file when it begins, with a clock that may stand still for some
 * milliseconds: right behind the mark there is still something to come that leaves no other.
 */
const SETTLING_MS = 50;

/** So often it is tried to read a file between two changes. */
const ATTEMPTS = 5;

/** What is known of a file on disk in one of its states. */
export interface Facts extends Validators {
  readonly size: number;
  readonly lastModified: string;
  readonly stats: Stats;
  /** All of it, if it is kept in memory; given back when memory is short. */
  bytes: Buffer | undefined;
}

/**
 * Looks at an open file. Its tag is made of its content, so that replicas agree on it and a build that sets every file's time to the same moment
 * still changes it; for a large file of size and time to the microsecond. `bytes` is set for a file that was read. Undefined for what is no file.
 * Throws when it is written to all the time.
 */
export async function readFacts(handle: FileHandle, coding: Coding): Promise<Facts | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stats = await handle.stat();
    if (!stats.isFile()) return undefined;
    const ageMs = Date.now() - stats.ctimeMs;
    // The clock of a file server may be ahead of this one; it is not waited for that.
    if (ageMs < SETTLING_MS) await delay(Math.min(SETTLING_MS, SETTLING_MS - ageMs));
    const bytes = stats.size <= HASHED_BYTES ? await readWhole(handle, stats.size) : undefined;
    // Else it may be half of what it was and half of what it is.
    if (isUntouched(await handle.stat(), stats)) return toFacts(stats, coding, bytes);
  }
  throw new Error('it is written to all the time');
}

function toFacts(stats: Stats, coding: Coding, bytes: Buffer | undefined): Facts {
  const tag = bytes ? hash('sha256', bytes, 'base64url').slice(0, TAG_LENGTH) : toTag(stats);
  // A time to come would make every copy look old (RFC 9110 8.8.2.1).
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

/** Whether the file under a path is still the one that was looked at. Its time can be set back; the time at which that was done cannot. */
export function isSameFile(one: Stats, other: Stats): boolean {
  return isUntouched(one, other) && one.ctimeMs === other.ctimeMs && one.ino === other.ino && one.dev === other.dev;
}

/** Whether an open file was not written to. Another may have taken its name: that is no change of this one. */
export function isUntouched(one: Stats, other: Stats): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function toTag({ size, mtimeMs }: Stats): string {
  return `${size.toString(36)}-${Math.round(mtimeMs * 1000).toString(36)}`;
}

/** Shorter than `size` if the file became shorter since. */
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
