import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { inOrder, LOG_NAMES, type LogEntry, type LogFilter, type LogName, toEntry } from './log-entry.ts';

const POLL_MS = 200;
/**
 * The logs write their lines in batches, each log for itself, up to 250 ms late. For this time a
 * line waits for those with an earlier time.
 */
const WAIT_MS = 600;
/** After a rotation, workers write to the old file until they have handled the signal. */
const OLD_FILE_MS = 10_000;
const CHUNK_BYTES = 64 * 1024;

export interface Following {
  readonly dir: string;
  readonly filter: LogFilter;
  readonly print: (entry: LogEntry) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Begins to follow the logs at their present ends. The result prints each new line in the order of
 * time, also of files that appear later or are rotated; it resolves after the signal.
 */
export async function followLogs({ dir, filter, print, signal }: Following): Promise<() => Promise<void>> {
  const logs = LOG_NAMES.map((log) => new FollowedLog(dir, log));
  for (const log of logs) await log.begin();
  return async () => {
    let waiting: readonly LogEntry[] = [];
    for (let isLast = false; !isLast; ) {
      isLast = signal.aborted;
      const lines = await Promise.all(logs.map((log) => log.read()));
      const entries = lines.flatMap((each, at) =>
        each.flatMap((line) => toEntry(LOG_NAMES[at] as LogName, line, filter) ?? []),
      );
      const dueAtMs = isLast ? Number.POSITIVE_INFINITY : Date.now() - WAIT_MS;
      waiting = inOrder([...waiting, ...entries]);
      for (const entry of waiting) if (entry.timeMs <= dueAtMs) print(entry);
      waiting = waiting.filter(({ timeMs }) => timeMs > dueAtMs);
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined); // the signal ends the loop
    }
    for (const log of logs) await log.close();
  };
}

/** One file, which may have been rotated. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly decoder: StringDecoder;
  position: number;
  /** Of the last line, which has no end yet. */
  rest: string;
  /** Undefined while the log has this file. */
  rotatedAtMs?: number;
}

class FollowedLog {
  readonly #path: string;
  #files: OpenFile[] = [];

  constructor(dir: string, log: LogName) {
    this.#path = join(dir, `${log}.log`);
  }

  async begin(): Promise<void> {
    await this.#openNew();
    const [file] = this.#files;
    if (file) file.position = (await file.handle.stat()).size;
  }

  /** The whole lines that were added. */
  async read(): Promise<readonly string[]> {
    await this.#openNew();
    const lines: string[] = [];
    for (const file of this.#files) lines.push(...(await readNew(file)));
    const nowMs = performance.now();
    const old = this.#files.filter(({ rotatedAtMs = nowMs }) => nowMs - rotatedAtMs > OLD_FILE_MS);
    this.#files = this.#files.filter((file) => !old.includes(file));
    for (const { handle } of old) await handle.close();
    return lines;
  }

  async close(): Promise<void> {
    for (const { handle } of this.#files.splice(0)) await handle.close();
  }

  /** If the log has another file now, opens it. */
  async #openNew(): Promise<void> {
    // There is none between the two steps of a rotation, and before the first line.
    const handle = await open(this.#path).catch(() => undefined);
    if (!handle) return;
    const { ino: inode } = await handle.stat();
    if (this.#files.some((file) => file.inode === inode)) return handle.close();
    for (const file of this.#files) file.rotatedAtMs ??= performance.now();
    this.#files.push({ handle, inode, decoder: new StringDecoder(), position: 0, rest: '' });
  }
}

async function readNew(file: OpenFile): Promise<readonly string[]> {
  // Emptied, as by logrotate's `copytruncate`.
  if ((await file.handle.stat()).size < file.position) file.position = 0;
  let text = file.rest;
  for (;;) {
    const { bytesRead, buffer } = await file.handle.read(
      Buffer.allocUnsafe(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      file.position,
    );
    if (bytesRead === 0) break;
    file.position += bytesRead;
    text += file.decoder.write(buffer.subarray(0, bytesRead));
  }
  const lines = text.split('\n');
  file.rest = lines.pop() ?? '';
  return lines;
}
