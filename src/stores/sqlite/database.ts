import { closeSync, fsyncSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../../process/make-folder.ts';
import { migrate } from './schema.ts';

/** How long SQLite itself waits for a lock. Whoever asked may have more time: then it is tried again. */
const LOCK_WAIT_MS = 150;

/** The write-ahead log is cut back to it after it was folded into the database. */
const WAL_BYTES = 16 * 1024 * 1024;

/** An open database, and the file it is. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  /** Whether the path still leads to the file that is open; SQLite would go on to write into one that was removed. */
  isInPlace(): boolean;
}

/**
 * Opens the database, with its folder and its schema where they are missing. Nobody but this user may read them.
 *
 * WAL lets several processes use it together, and a commit costs one write to the end of one file. Under synchronous=FULL that write is on the
 * disk when COMMIT returns; under NORMAL it is with the operating system. Throws errors of SQLite and of the file system.
 */
export function openDatabase(file: string, { fsync }: { readonly fsync: boolean }): OpenDatabase {
  prepareFolder(dirname(file), fsync);
  createPrivate(file);
  const database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
  try {
    // Of use only before the first table is made.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // Changing it needs the file for itself, so it is done once.
    if (database.prepare('PRAGMA journal_mode').get()?.journal_mode !== 'wal') {
      database.exec('PRAGMA journal_mode = WAL');
    }
    database.exec(`PRAGMA synchronous = ${fsync ? 'FULL' : 'NORMAL'}; PRAGMA journal_size_limit = ${WAL_BYTES}`);
    migrate(database, file);
    const opened = statSync(file);
    return { database, isInPlace: () => isSame(opened, statSync(file, { throwIfNoEntry: false })) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The names of new folders are on the disk, too, before anything is said to be stored in them. */
function prepareFolder(folder: string, fsync: boolean): void {
  const first = makeFolder(folder, 0o700);
  if (first === undefined || !fsync) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    const parent = openSync(dirname(made), 'r');
    try {
      fsyncSync(parent);
    } finally {
      closeSync(parent);
    }
  }
}

/**
 * SQLite would make the file readable for all; what it puts beside it gets the same mode. An existing file is not touched: to close it
 * would end all locks that this process has on it (POSIX).
 */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    // Any other problem with the file is told by SQLite in a moment, with its own words.
    if (!isExisting(error)) throw error;
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function isSame(opened: Stats, now: Stats | undefined): boolean {
  return now !== undefined && now.ino === opened.ino && now.dev === opened.dev;
}
