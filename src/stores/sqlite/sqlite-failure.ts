/** What a failure means for whoever asked, and for the database handle. */
export type Failure =
  /** Somebody else is writing: it may work in a moment. */
  | 'locked'
  /** Not just now, but the handle is sound. */
  | 'full'
  /** The handle is of no use any more: open the file again. */
  | 'broken'
  /** The request itself cannot be done: a mistake of nexthop's own. */
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

/** Of an error that a statement threw. */
export function toFailure(error: unknown): Failure {
  const code = resultCode(error);
  // Node's own complaints, e.g. about a value that no column can take.
  if (code === undefined) return 'mistake';
  return KINDS[code] ?? 'broken';
}

/** What is wrong with the database, and what to do; for the log and for a person. */
export function describe(error: unknown, file: string): string {
  const what = error instanceof Error ? error.message : String(error);
  switch (resultCode(error)) {
    case CORRUPT:
    case NOTADB:
      return `${file} is damaged (${what}): nothing was deleted; stop all that use it, move it away together with its -wal and -shm files, and put a backup in its place, or nothing to begin anew`;
    case FULL:
      return `no space is left for ${file} (${what}): free some; it goes on by itself`;
    case READONLY:
      return `${file} cannot be written (${what}): its file, its folder and their mount must be writable for this user`;
    case CANTOPEN:
      return cannotBeOpened(file, what);
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return `${file} is locked (${what}): another process holds it for longer than a write of nexthop's takes`;
    default:
      // Of the file system, which was asked for the folder and the file before SQLite was.
      if (error instanceof Error && 'syscall' in error) return cannotBeOpened(file, what);
      return `${file} cannot be used: ${what}`;
  }
}

function cannotBeOpened(file: string, what: string): string {
  return `${file} cannot be opened (${what}): DATA_DIR must be a folder that this user may write`;
}

/** SQLite's primary code; undefined for what is no error of SQLite's. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
