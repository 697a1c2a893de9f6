import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROL_FOLDER } from '../process/control-socket.ts';
import { makeFolder } from '../process/make-folder.ts';

const FILE = 'log-dir';

interface Folders {
  readonly DATA_DIR: string;
  /** Absolute; '' if there are no log files. */
  readonly LOG_DIR: string;
}

/** Keeps the LOG_DIR of a nexthop that starts, so that `nexthop logs` finds it by DATA_DIR, also after a crash. Throws errors of node:fs. */
export function keepLogDir({ DATA_DIR, LOG_DIR }: Folders): void {
  const folder = join(DATA_DIR, CONTROL_FOLDER);
  makeFolder(folder, 0o700);
  writeFileSync(join(folder, FILE), LOG_DIR, { mode: 0o600 });
}

/** The LOG_DIR of the nexthop that was started last with this DATA_DIR; undefined if none was, or another user may not read it. */
export function findLogDir({ DATA_DIR }: Pick<Folders, 'DATA_DIR'>): string | undefined {
  try {
    return readFileSync(join(DATA_DIR, CONTROL_FOLDER, FILE), 'utf8');
  } catch {
    // Without it, the default folder is read.
    return undefined;
  }
}
