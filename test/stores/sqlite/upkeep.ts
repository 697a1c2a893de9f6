import { statSync } from 'node:fs';
import test from 'ava';
import { openDatabase } from '../../../src/stores/sqlite/database.ts';
import { jobSteps } from '../../../src/stores/sqlite/job-steps.ts';
import { kvSteps } from '../../../src/stores/sqlite/kv-steps.ts';
import { StoreClock } from '../../../src/stores/sqlite/store-clock.ts';
import { Upkeep } from '../../../src/stores/sqlite/upkeep.ts';
import { newJob } from '../../helpers/prepare-store.ts';
import { sqliteFolder } from '../../helpers/sqlite-store.ts';

test('only expired entries are removed, a limited number at a time', async (t) => {
  const { file } = await sqliteFolder(t);
  const { database } = openDatabase(file, { fsync: false });
  t.teardown(() => database.close());
  const { put, keys } = kvSteps(database);
  database.exec('BEGIN');
  for (let count = 0; count < 1200; count++) put.run('a', `gone ${count}`, Buffer.from('x'), -1);
  put.run('a', 'later', Buffer.from('x'), 60_000);
  put.run('a', 'stays', Buffer.from('x'), undefined);
  database.exec('COMMIT');
  const upkeep = new Upkeep(database, StoreClock.open(database));

  upkeep.afterWrite();
  t.is(database.prepare('SELECT count(*) AS rows FROM kv').get()?.rows, 702);
  upkeep.afterWrite();
  upkeep.afterWrite();

  t.is(database.prepare('SELECT count(*) AS rows FROM kv').get()?.rows, 2);
  t.deepEqual(keys.run('a', '', 10, undefined), ['later', 'stays']);
});

test('a file that was full of jobs shrinks when they are done', async (t) => {
  const { file } = await sqliteFolder(t);
  const { database } = openDatabase(file, { fsync: false });
  t.teardown(() => database.close());
  const { push, claim, done } = jobSteps(database, StoreClock.open(database));
  database.exec('BEGIN');
  for (let count = 0; count < 100; count++) push.run(newJob({ payload: Buffer.alloc(256 * 1024) }));
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  t.true(statSync(file).size > 25_000_000);
  database.exec('BEGIN');
  for (let claimed = claim.run(['mail'], 1000); claimed; claimed = claim.run(['mail'], 1000)) {
    done.run({ id: claimed.job.id, lease: claimed.lease });
  }
  database.exec('COMMIT');
  const upkeep = new Upkeep(database, StoreClock.open(database));

  for (let count = 0; count < 10; count++) upkeep.afterWrite();

  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  t.true(statSync(file).size < 6_000_000, `${statSync(file).size} bytes are left`);
});
