import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { JobRecord, JobState } from '../../contract/store.ts';
import { toJob } from './job-steps.ts';
import type { StoreClock } from './store-clock.ts';
import { always, never, type Steps } from './verbs.ts';

/** See `jobSteps` for the leases that end too far in the future. */
const RUNS = '(lease IS NOT NULL AND lease_ends_at > :now AND lease_ends_at - 2 * lease_ms <= :now)';

const RECORDS = `
  SELECT *, (SELECT payload FROM payloads WHERE payloads.id = jobs.id) AS payload,
    CASE WHEN dead THEN 'dead' WHEN ${RUNS} THEN 'running' ELSE 'waiting' END AS state
  FROM jobs WHERE id > :after AND (:rule IS NULL OR rule = :rule)`;

/** The condition of each state, written so that SQLite uses an index. */
const OF_STATE: Readonly<Record<JobState, string>> = {
  waiting: `AND dead = 0 AND NOT ${RUNS}`,
  running: `AND ${RUNS}`,
  dead: 'AND dead = 1',
};

/** The verbs of the ledger. */
export function ledgerSteps(
  database: DatabaseSync,
  clock: StoreClock,
): Pick<Steps, 'list' | 'find' | 'counts' | 'retry' | 'drop'> {
  const inOrder = (where: string) => database.prepare(`${RECORDS} ${where} ORDER BY id LIMIT :limit`);
  const lists = {
    any: inOrder(''),
    waiting: inOrder(OF_STATE.waiting),
    running: inOrder(OF_STATE.running),
    dead: inOrder(OF_STATE.dead),
  };
  const find = inOrder('AND id = :id');
  const counts = database.prepare(`
    SELECT (SELECT count(*) FROM jobs) AS jobs,
      (SELECT count(*) FROM jobs WHERE lease IS NOT NULL AND ${RUNS}) AS running,
      (SELECT count(*) FROM jobs WHERE dead = 1) AS dead`);
  const retry = database.prepare(`
    UPDATE jobs SET lease = NULL, lease_ms = NULL, lease_ends_at = NULL, dead = 0, due_at = :now, attempts = 0, failures = 0,
      vanished = 0, reason = ''
    WHERE id = :id AND NOT ${RUNS}`);
  const drop = database.prepare(`DELETE FROM jobs WHERE id = :id AND NOT ${RUNS}`);
  const dropPayload = database.prepare('DELETE FROM payloads WHERE id = ?');
  const toRecord = (row: Record<string, SQLOutputValue>): JobRecord => ({
    ...toJob(row, clock),
    state: row.state as JobState, // by RECORDS
    pushedAtMs: clock.toWall(Number(row.pushed_at)),
    reason: String(row.reason),
    ...(row.state === 'running' && { leaseEndsAtMs: clock.toWall(Number(row.lease_ends_at)) }),
  });

  return {
    list: {
      writes: never,
      run: ({ state, rule, limit, after }) =>
        lists[state ?? 'any'].all({ now: clock.now(), after: after ?? '', rule: rule ?? null, limit }).map(toRecord),
    },
    find: {
      writes: never,
      run: (id) => {
        const row = find.get({ now: clock.now(), after: '', rule: null, limit: 1, id });
        return row && toRecord(row);
      },
    },
    counts: {
      writes: never,
      run: () => {
        const row = counts.get({ now: clock.now() });
        const [running, dead] = [Number(row?.running), Number(row?.dead)];
        return { waiting: Number(row?.jobs) - running - dead, running, dead };
      },
    },
    retry: { writes: always, run: (id) => retry.run({ now: clock.now(), id }).changes === 1 },
    drop: {
      writes: always,
      run: (id) => {
        const isDropped = drop.run({ now: clock.now(), id }).changes === 1;
        if (isDropped) dropPayload.run(id);
        return isDropped;
      },
    },
  };
}
