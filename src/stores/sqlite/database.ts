import { closeSync, fsyncSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasCode } from '../../contract/error-code.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { migrate } from './schema.ts';

/** How long SQLite itself waits for a lock. A verb with more time left is tried again. */
const LOCK_WAIT_MS = 150;

/** The write-ahead log is truncated to this size after its content was copied into the database. */
const WAL_BYTES = 16 * 1024 * 1024;

export interface DatabaseSetup {
  readonly fsync: boolean;
  /** Default: those of the state. */
  readonly migrations?: readonly string[];
}

/** An open database. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  /**
   * Whether the path still leads to the open file. SQLite would continue to write into a removed
   * file.
   */
  isInPlace(): boolean;
}

/**
 * Opens the database. Creates its folder and schema if they are missing; only the user of this
 * process may read them.
 *
 * In WAL mode several processes can use it together, and a commit costs one write at the end of one
 * file. With synchronous=FULL that write is on the disk when COMMIT returns; with NORMAL it is in
 * the cache of the operating system. Throws errors of SQLite and of the file system.
 */
export function openDatabase(file: string, { fsync, migrations }: DatabaseSetup): OpenDatabase {
  prepareFolder(dirname(file), fsync);
  createPrivate(file);
  const database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
  try {
    // Has an effect only before the first table is created.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // The change needs exclusive access to the file, so it is done once.
    if (database.prepare('PRAGMA journal_mode').get()?.journal_mode !== 'wal') {
      database.exec('PRAGMA journal_mode = WAL');
    }
    database.exec(`PRAGMA synchronous = ${fsync ? 'FULL' : 'NORMAL'}; PRAGMA journal_size_limit = ${WAL_BYTES}`);
    migrate(database, file, migrations);
    const opened = statSync(file);
    return { database, isInPlace: () => isSame(opened, statSync(file, { throwIfNoEntry: false })) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Creates the folder. The entries of new folders are on the disk before data is reported as stored.
 */
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
 * Creates the file for this user only. SQLite would make it readable for all, and gives its
 * additional files the same mode. An existing file is not opened: closing it would release all
 * locks that this process has on it (POSIX).
 */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    // SQLite reports any other problem with the file later, with its own message.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

function isSame(opened: Stats, now: Stats | undefined): boolean {
  return now !== undefined && now.ino === opened.ino && now.dev === opened.dev;
}
