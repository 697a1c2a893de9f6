import { messageOf } from '../../contract/error-message.ts';

/** What a failure means for the caller and for the database handle. */
export type Failure =
  /** Another process writes: a retry may work. */
  | 'locked'
  /** The verb fails at the moment, but the handle is sound. */
  | 'full'
  /** The handle is unusable: open the file again. */
  | 'broken'
  /** The call itself is invalid: a defect of nexthop. */
  | 'mistake';

/** Primary result codes (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const TOOBIG = 18;
const CONSTRAINT = 19;
const MISMATCH = 20;
const RANGE = 25;
const NOTADB = 26;

const KINDS: Readonly<Record<number, Failure>> = {
  [BUSY]: 'locked',
  [LOCKED]: 'locked',
  [PROTOCOL]: 'locked',
  [FULL]: 'full',
  [TOOBIG]: 'mistake',
  [CONSTRAINT]: 'mistake',
  [MISMATCH]: 'mistake',
  [RANGE]: 'mistake',
};

/** There is space left, but not for this data. Handled like SQLite's own error with this code. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
  readonly errcode = FULL;
}

/** The kind of an error that a statement threw. */
export function toFailure(error: unknown): Failure {
  const code = resultCode(error);
  // Errors of node:sqlite itself, e.g. about a value that no column can store.
  if (code === undefined) return 'mistake';
  return KINDS[code] ?? 'broken';
}

/** Whether the content of the file is damaged. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** What is wrong with the database and what to do, for the log and for operators. */
export function describe(error: unknown, file: string): string {
  const what = messageOf(error);
  switch (resultCode(error)) {
    case CORRUPT:
    case NOTADB:
      return `${file} is damaged (${what}): nothing was deleted; stop all processes that use it, move it away together with its -wal and -shm files, then restore a backup, or start without a file to get an empty one`;
    case FULL:
      return `no space is left for ${file} (${what}): free some; the store recovers by itself`;
    case READONLY:
      return `${file} cannot be written (${what}): its file, its folder and their mount must be writable for this user`;
    case CANTOPEN:
      return cannotBeOpened(file, what);
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return `${file} is locked (${what}): another process holds the lock for longer than a write of nexthop takes`;
    default:
      // An error of the file system: the folder and the file are opened before SQLite is.
      if (error instanceof Error && 'syscall' in error) return cannotBeOpened(file, what);
      return `${file} cannot be used: ${what}`;
  }
}

function cannotBeOpened(file: string, what: string): string {
  return `${file} cannot be opened (${what}): DATA_DIR must be a folder that this user may write`;
}

/** SQLite's primary result code; undefined if the error is not from SQLite. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
