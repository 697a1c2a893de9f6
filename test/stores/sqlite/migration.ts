import { mkdirSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { claimSoon, LONG_LEASE_MS } from '../../helpers/prepare-store.ts';
import { ready, type SqliteFolder, sqliteFolder } from '../../helpers/sqlite-store.ts';

/** The schema of the versions in which the table of jobs had the payloads. */
const SCHEMA_1 = `
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
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
  PRAGMA user_version = 1;
`;
const SCHEMA_2 = `${SCHEMA_1}
  ALTER TABLE jobs ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0;
  PRAGMA user_version = 2;
`;

const LARGE = Buffer.alloc(256 * 1024, 'nexthop');

/** Creates the file of a folder with an old schema and a job in each state. */
function makeOld({ dataDir, file }: SqliteFolder, schema: string): void {
  mkdirSync(dataDir, { recursive: true });
  const database = new DatabaseSync(file);
  database.exec(schema);
  const now = Date.now();
  const insert = database.prepare(
    `INSERT INTO jobs (id, rule, pushed_at, due_at, dead, attempts, failures, reason, lease, lease_ms, lease_ends_at, payload)
     VALUES (?, 'mail', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  insert.run('1 waiting', now - 4000, now - 4000, 0, 0, 0, '', null, null, null, LARGE);
  insert.run('2 later', now - 3000, now + 3_600_000, 0, 1, 1, 'no', null, null, null, Buffer.from('later'));
  insert.run('3 running', now - 2000, now - 2000, 0, 1, 0, '', 'token', 120_000, now + 120_000, Buffer.from('running'));
  insert.run('4 dead', now - 1000, now - 1000, 1, 3, 3, 'never', null, null, null, Buffer.from('dead'));
  database.prepare('INSERT INTO kv VALUES (?, ?, NULL, ?)').run('a', Buffer.from('key'), Buffer.from('value'));
  database.prepare('INSERT INTO ticks VALUES (?, ?, ?)').run('hourly', '@hourly', 3_600_000);
  database.close();
}

for (const [version, schema] of [
  [1, SCHEMA_1],
  [2, SCHEMA_2],
] as const) {
  test.serial(`the jobs of a file with schema ${version} are unchanged and can be claimed and ended`, async (t) => {
    const folder = await sqliteFolder(t);
    makeOld(folder, schema);
    const { queue, kv } = await ready(folder.open());

    t.deepEqual(
      (await queue.ledger.list({ limit: 10 })).map(({ id, state, attempts, failures, reason }) => [
        ...[id, state, attempts, failures, reason],
      ]),
      [
        ['1 waiting', 'waiting', 0, 0, ''],
        ['2 later', 'waiting', 1, 1, 'no'],
        ['3 running', 'running', 1, 0, ''],
        ['4 dead', 'dead', 3, 3, 'never'],
      ],
    );
    const claim = await claimSoon(queue);
    t.like(claim.job, { id: '1 waiting', attempts: 1, vanished: 0 });
    t.true(Buffer.from(claim.job.payload).equals(LARGE));
    t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
    t.true(await queue.done(claim));
    const running = { job: { ...claim.job, id: '3 running' }, lease: 'token' };
    t.true(await queue.extend(running, LONG_LEASE_MS), 'the worker that has the lease can extend it');
    t.true(await queue.done(running));
    t.true(await queue.ledger.retry('4 dead'));
    t.is(String(Buffer.from((await claimSoon(queue)).job.payload)), 'dead');
    t.true(await queue.ledger.drop('2 later'));
    t.is(String(Buffer.from((await kv('a').get('key')) ?? [])), 'value');
    const tick = { rule: 'hourly', schedule: '@hourly', payload: Buffer.from('') };
    t.is(await queue.tick({ ...tick, atMs: 3_600_000 }), 'known');
    t.is(await queue.tick({ ...tick, atMs: 7_200_000 }), 'pushed');
  });
}

test.serial('the payloads of an old file are not copied, because they may fill the disk', async (t) => {
  const folder = await sqliteFolder(t);
  makeOld(folder, SCHEMA_2);
  const raw = new DatabaseSync(folder.file);
  raw.exec(`
    WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 100)
    INSERT INTO jobs (id, rule, pushed_at, due_at, payload) SELECT 'many ' || n, 'mail', 1, 1, zeroblob(256 * 1024) FROM count;
    PRAGMA wal_checkpoint(TRUNCATE);`);
  raw.close();
  const before = statSync(folder.file).size;
  t.true(before > 25_000_000);

  const store = await ready(folder.open());
  t.like(await store.queue.ledger.counts(), { waiting: 102 });

  const grown = statSync(folder.file).size + statSync(`${folder.file}-wal`).size - before;
  t.true(grown < 500_000, `${grown} bytes more`);
});

test.serial('all rows of a job are deleted when it is done or dropped', async (t) => {
  const folder = await sqliteFolder(t);
  makeOld(folder, SCHEMA_1);
  const { queue } = await ready(folder.open());
  await queue.push({ rule: 'mail', payload: Buffer.from('new'), dueAtMs: 0 });

  for (
    let claim = await queue.claim(['mail'], LONG_LEASE_MS);
    claim;
    claim = await queue.claim(['mail'], LONG_LEASE_MS)
  ) {
    t.true(await queue.done(claim));
  }
  for (const id of ['2 later', '4 dead']) t.true(await queue.ledger.drop(id));

  const raw = new DatabaseSync(folder.file, { timeout: PATIENCE_MS });
  t.teardown(() => raw.close());
  t.deepEqual(
    raw
      .prepare('SELECT id FROM payloads')
      .all()
      .map(({ id }) => id),
    ['3 running'],
  );
});
