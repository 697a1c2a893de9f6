import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { LOG_NAMES, type LogEntry, type LogFilter, type LogName, toEntry } from './log-entry.ts';

const CHUNK_BYTES = 256 * 1024;
const LINE_FEED = 10;

export interface LastEntries {
  readonly dir: string;
  readonly log: LogName;
  readonly filter: LogFilter;
  readonly most: number;
}

/**
 * The last wanted lines of a log, oldest first, also from the files into which it was rotated.
 * Reads no more of them than needed. Rejects with Node's error if a file cannot be read.
 */
export async function lastEntries({ dir, log, filter, most }: LastEntries): Promise<readonly LogEntry[]> {
  let entries: readonly LogEntry[] = [];
  for (const path of await filesOf(dir, log)) {
    const search = { log, filter, most: most - entries.length };
    if (search.most <= 0) break;
    const decoder = decoderOf(path);
    entries = [...(await (decoder ? readAll(path, decoder, search) : readBackward(path, search))), ...entries];
  }
  return entries;
}

/** Whether a folder has a file of any log. Rejects with Node's error if it cannot be read. */
export async function hasLogFiles(dir: string): Promise<boolean> {
  for (const log of LOG_NAMES) if ((await filesOf(dir, log)).length > 0) return true;
  return false;
}

/** The file of a log and those into which it was rotated, newest first: `access.log`, `access.log.1`, `access.log-20261129.gz`. */
async function filesOf(dir: string, log: LogName): Promise<readonly string[]> {
  const own = `${log}.log`;
  const names = (await readdir(dir)).filter((name) => name === own || /^[.-]\d/.test(name.slice(own.length)));
  const files = names
    .filter((name) => name.startsWith(own))
    .map(async (name) => {
      const path = join(dir, name);
      // A file may be removed by the rotation just now.
      const stats = await stat(path).catch(() => undefined);
      return { path, changedAtMs: name === own ? Number.POSITIVE_INFINITY : (stats?.mtimeMs ?? 0), stats };
    });
  return (await Promise.all(files))
    .filter(({ stats }) => stats?.isFile())
    .toSorted((one, other) => other.changedAtMs - one.changedAtMs)
    .map(({ path }) => path);
}

type Search = Omit<LastEntries, 'dir'>;
type Decoder = () => Duplex;

function decoderOf(path: string): Decoder | undefined {
  if (path.endsWith('.gz')) return createGunzip;
  return path.endsWith('.zst') ? createZstdDecompress : undefined;
}

/** A compressed file has no end to begin with. */
async function readAll(path: string, decoder: Decoder, { log, filter, most }: Search): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = [];
  const add = (line: string): void => {
    const entry = toEntry(log, line, filter);
    if (entry) entries.push(entry);
    // Not at each line: the array would be moved.
    if (entries.length >= 2 * most) entries.splice(0, entries.length - most);
  };
  await pipeline(createReadStream(path), decoder(), async (chunks: AsyncIterable<Buffer>) => {
    const text = new StringDecoder();
    /** Of the last line, which has no end yet. Joined once: a line of many MB comes in thousands of pieces. */
    let pieces: string[] = [];
    for await (const chunk of chunks) {
      const [first = '', ...lines] = text.write(chunk).split('\n');
      pieces.push(first);
      const last = lines.pop();
      if (last === undefined) continue;
      add(pieces.join(''));
      lines.forEach(add);
      pieces = [last];
    }
    add(pieces.join(''));
  });
  return entries.slice(-most);
}

/** Reads whole lines from the end of the file towards its beginning. */
async function readBackward(path: string, search: Search): Promise<readonly LogEntry[]> {
  const file = await open(path);
  try {
    return await findLast(file, search);
  } finally {
    await file.close();
  }
}

async function findLast(file: FileHandle, { log, filter, most }: Search): Promise<readonly LogEntry[]> {
  const found: LogEntry[] = [];
  /** The beginning of the chunk that was read last: the end of a line of the one before it. */
  let rest: Buffer[] = [];
  let { size: end } = await file.stat();
  while (end > 0 && found.length < most) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.allocUnsafe(end - start), 0, end - start, start);
    end = start;
    const first = start === 0 ? 0 : buffer.indexOf(LINE_FEED) + 1;
    if (start > 0 && first === 0) {
      rest.unshift(buffer);
      continue;
    }
    const lines = Buffer.concat([buffer.subarray(first), ...rest])
      .toString()
      .split('\n');
    rest = [buffer.subarray(0, first)];
    for (const line of lines.toReversed()) {
      const entry = found.length < most ? toEntry(log, line, filter) : undefined;
      if (entry) found.push(entry);
    }
  }
  return found.reverse();
}
