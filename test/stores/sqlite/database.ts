import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { openDatabase } from '../../../src/stores/sqlite/database.ts';
import { sqliteFolder } from '../../helpers/sqlite-store.ts';

/** Values of `PRAGMA synchronous`: in WAL mode a commit waits for the disk only with FULL. */
const NORMAL = 1;
const FULL = 2;

for (const [fsync, synchronous] of [
  [true, FULL],
  [false, NORMAL],
] as const) {
  test(`fsync ${fsync ? 'on' : 'off'}: each commit ${fsync ? 'waits' : 'does not wait'} for the disk`, async (t) => {
    const { file } = await sqliteFolder(t);

    const { database } = openDatabase(file, { fsync });
    t.teardown(() => database.close());

    t.is(database.prepare('PRAGMA synchronous').get()?.synchronous, synchronous);
    t.is(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  });
}

test('a database whose creation was interrupted is completed at the next opening', async (t) => {
  const { file } = await sqliteFolder(t);
  openDatabase(file, { fsync: false }).database.close();
  const raw = new DatabaseSync(file);
  raw.exec('PRAGMA user_version = 0');
  for (const { name } of raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    raw.exec(`DROP TABLE ${name}`);
  }
  raw.close();

  const { database } = openDatabase(file, { fsync: false });
  t.teardown(() => database.close());

  t.is(database.prepare('SELECT count(*) AS jobs FROM jobs').get()?.jobs, 0);
});
