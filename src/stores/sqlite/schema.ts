import type { DatabaseSync } from 'node:sqlite';

/**
 * The first one leads from version 0, an empty file, to version 1, and so on. Never change one that
 * was released: append another.
 *
 * Times of jobs are those of StoreClock. Times of ticks and values are milliseconds since the epoch.
 * SQLite rewrites a whole row to change a part of it, so payloads have a separate table.
 * `ready_at` is when a job may be claimed: the time at which it is due, or the end of its lease.
 * There are few running jobs, so their indexes are small. In a database of UTF-8, BLOB and TEXT are
 * compared by bytes.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    rule TEXT NOT NULL,
    pushed_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    lease TEXT,
    lease_ms INTEGER,
    lease_ends_at INTEGER,
    ready_at INTEGER NOT NULL AS (coalesce(lease_ends_at, due_at)) VIRTUAL,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE INDEX jobs_ready ON jobs (rule, ready_at, id) WHERE dead = 0;
  CREATE INDEX jobs_leased ON jobs (rule, lease_ends_at - 2 * lease_ms) WHERE lease IS NOT NULL;
  CREATE INDEX jobs_running ON jobs (id) WHERE lease IS NOT NULL;
  CREATE INDEX jobs_dead ON jobs (id) WHERE dead = 1;

  CREATE TABLE ticks (
    rule TEXT PRIMARY KEY NOT NULL,
    schedule TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE kv (
    namespace TEXT NOT NULL,
    key BLOB NOT NULL,
    expires_at INTEGER,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
  ) STRICT;
  CREATE INDEX kv_expires ON kv (expires_at) WHERE expires_at IS NOT NULL;
  `,
  'ALTER TABLE jobs ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0',
  // The rows with the payloads stay where they are, since a backlog of them may fill the disk. From
  // here on only the columns id and payload of them are used.
  `
  DROP INDEX jobs_ready;
  DROP INDEX jobs_leased;
  DROP INDEX jobs_running;
  DROP INDEX jobs_dead;
  ALTER TABLE jobs RENAME TO payloads;
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    rule TEXT NOT NULL,
    pushed_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    vanished INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    lease TEXT,
    lease_ms INTEGER,
    lease_ends_at INTEGER,
    ready_at INTEGER NOT NULL AS (coalesce(lease_ends_at, due_at)) VIRTUAL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO jobs (id, rule, pushed_at, due_at, dead, attempts, failures, vanished, reason, lease, lease_ms, lease_ends_at)
    SELECT id, rule, pushed_at, due_at, dead, attempts, failures, vanished, reason, lease, lease_ms, lease_ends_at FROM payloads ORDER BY id;
  CREATE INDEX jobs_ready ON jobs (rule, ready_at, id) WHERE dead = 0;
  CREATE INDEX jobs_leased ON jobs (rule, lease_ends_at - 2 * lease_ms) WHERE lease IS NOT NULL;
  CREATE INDEX jobs_running ON jobs (id) WHERE lease IS NOT NULL;
  CREATE INDEX jobs_dead ON jobs (id) WHERE dead = 1;

  CREATE TABLE clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    boot TEXT NOT NULL,
    ahead_ms REAL NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT;
  `,
  // The content is last, so that a list does not read it. `bytes` and `file`: one of both is set.
  `
  CREATE TABLE blobs (
    store TEXT NOT NULL,
    key BLOB NOT NULL,
    etag TEXT NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    file TEXT,
    bytes BLOB,
    PRIMARY KEY (store, key)
  ) STRICT;
  CREATE INDEX blobs_file ON blobs (file) WHERE file IS NOT NULL;
  CREATE TABLE blob_usage (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO blob_usage (one, bytes) VALUES (1, 0);
  `,
];

/**
 * Migrates the schema to the version of this nexthop, in one step. Throws if a newer nexthop wrote
 * the file. `migrations`: those of another database than the state.
 */
export function migrate(database: DatabaseSync, file: string, migrations = MIGRATIONS): void {
  if (versionOf(database) === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have migrated it meanwhile.
    const version = versionOf(database);
    if (version > migrations.length) {
      throw new Error(
        `${file} was written by a newer nexthop: its schema is ${version}, this one supports ${migrations.length}; run that version, or set another DATA_DIR`,
      );
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}
