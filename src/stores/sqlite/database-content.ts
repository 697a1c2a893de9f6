import type { DatabaseSync } from 'node:sqlite';
import type { DiskFull } from './sqlite-failure.ts';

/** What a database holds: its tables, and the verbs on them. */
export interface DatabaseContent {
  /** See `migrate`. */
  readonly migrations: readonly string[];
  /** A loss of all data is allowed: a damaged file is replaced by an empty one, and commits do not wait for the disk. */
  readonly isDisposable: boolean;
  /** Prepares the statements. Throws errors of SQLite. */
  open(database: DatabaseSync, setup: ContentSetup): OpenContent;
}

export interface ContentSetup {
  readonly path: string;
  readonly fsync: boolean;
}

export interface OpenContent {
  /** A Step for each verb, by its name. */
  readonly steps: Readonly<Record<string, unknown>>;
  readonly upkeep: ContentUpkeep;
  readonly room: ContentRoom;
  /** A value that changes when another process has changed what this process must know. */
  version(): unknown;
  /** What has changed since its last call, if that is less work than to read it later. Called with each new version. */
  readonly news?: () => unknown;
}

export interface ContentUpkeep {
  /** Does a part of the work that is due. Throws errors of SQLite. */
  afterWrite(): void;
  /** Called when the disk is full. Returns true if there may be room now. */
  makeRoom(): boolean;
}

/** Decides whether new data may be stored on a disk that is nearly full. */
export interface ContentRoom {
  /**
   * Call it before a transaction that stores about this many bytes of new data. The function that it
   * returns is called with each part of them in turn, and says whether there is room for it.
   */
  open(bytes: number): (part: number) => boolean;
  /** The error for data that there is no room for. */
  toError(): DiskFull;
  /** Called after data was refused. Throws errors of SQLite. */
  keepSpare(): void;
}
