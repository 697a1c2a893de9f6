import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { openDatabase } from '../../../src/stores/sqlite/database.ts';
import { sqliteRoom } from '../../helpers/sqlite-store.ts';

/** Values of `PRAGMA synchronous`: a commit in the write-ahead log waits for the disk only under FULL. */
const NORMAL = 1;
const FULL = 2;

for (const [fsync, synchronous] of [
  [true, FULL],
  [false, NORMAL],
] as const) {
  test(`fsync ${fsync ? 'on' : 'off'}: each commit ${fsync ? 'waits' : 'does not wait'} for the disk`, async (t) => {
    const { file } = await sqliteRoom(t);

    const { database } = openDatabase(file, { fsync });
    t.teardown(() => database.close());

    t.is(database.prepare('PRAGMA synchronous').get()?.synchronous, synchronous);
    t.is(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  });
}

test('a database whose making was broken off is finished by the next one', async (t) => {
  const { file } = await sqliteRoom(t);
  openDatabase(file, { fsync: false }).database.close();
  const raw = new DatabaseSync(file);
  raw.exec('PRAGMA user_version = 0; DROP TABLE jobs; DROP TABLE ticks; DROP TABLE kv');
  raw.close();

  const { database } = openDatabase(file, { fsync: false });
  t.teardown(() => database.close());

  t.is(database.prepare('SELECT count(*) AS jobs FROM jobs').get()?.jobs, 0);
});

test('a database of the first schema keeps its jobs', async (t) => {
  const { file } = await sqliteRoom(t);
  openDatabase(file, { fsync: false }).database.close();
  const raw = new DatabaseSync(file);
  raw.exec('ALTER TABLE jobs DROP COLUMN vanished; PRAGMA user_version = 1');
  raw.exec("INSERT INTO jobs (id, rule, pushed_at, due_at, attempts, payload) VALUES ('a', 'mail', 1, 1, 3, x'01')");
  raw.close();

  const { database } = openDatabase(file, { fsync: false });
  t.teardown(() => database.close());

  t.like(database.prepare('SELECT id, attempts, vanished FROM jobs').get(), { id: 'a', attempts: 3, vanished: 0 });
});
