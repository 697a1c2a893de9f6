import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { blobSteps } from '../../../src/stores/sqlite/blob-steps.ts';
import { jobSteps } from '../../../src/stores/sqlite/job-steps.ts';
import { kvSteps } from '../../../src/stores/sqlite/kv-steps.ts';
import { ledgerSteps } from '../../../src/stores/sqlite/ledger-steps.ts';
import { migrate } from '../../../src/stores/sqlite/schema.ts';
import { StoreClock } from '../../../src/stores/sqlite/store-clock.ts';
import { Upkeep } from '../../../src/stores/sqlite/upkeep.ts';

/** All statements that are prepared on a database, with SQLite's plans. */
function plansOf(t: ExecutionContext, prepareAll: (database: DatabaseSync) => void): ReadonlyMap<string, string> {
  const database = new DatabaseSync(':memory:');
  t.teardown(() => database.close());
  migrate(database, ':memory:');
  const plans = new Map<string, string>();
  const prepare = database.prepare.bind(database);
  database.prepare = (sql, options) => {
    const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    plans.set(sql, steps.map(({ detail }) => detail).join('; '));
    return prepare(sql, options);
  };
  prepareAll(database);
  return plans;
}

test('no statement of queue, ledger, values or blobs scans or sorts rows, except the counts', (t) => {
  const plans = plansOf(t, (database) => {
    const clock = StoreClock.open(database);
    jobSteps(database, clock);
    ledgerSteps(database, clock);
    kvSteps(database);
    blobSteps(database);
    new Upkeep(database, clock);
  });

  t.true(plans.size > 20);
  const costly = [...plans].filter(([sql, plan]) => /SCAN|TEMP B-TREE/.test(plan) && !sql.includes('count(*)'));
  t.deepEqual(costly, []);
});

test('a claim finds its job by rule and time, independent of the number of other jobs', (t) => {
  const plans = plansOf(t, (database) => jobSteps(database, StoreClock.open(database)));

  const looks = [...plans].filter(([sql]) => sql.startsWith('SELECT id, ready_at')).map(([, plan]) => plan);
  t.deepEqual(looks, [
    'SEARCH jobs USING INDEX jobs_ready (rule=? AND ready_at<?)',
    'SEARCH jobs USING INDEX jobs_leased (rule=? AND <expr>>?)',
  ]);
});
