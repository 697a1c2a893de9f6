import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { monotonicFactory } from 'ulid';
import type { Job, NewJob, Tick } from '../../contract/store.ts';
import type { StoreClock } from './store-clock.ts';
import { always, type Hold, type Steps } from './verbs.ts';

/** A tick this far in the future comes from a wrong clock. */
const WRONG_CLOCK_MS = 60_000;

type Row = Record<string, SQLOutputValue>;

/** What a job takes in the file besides its payload. */
const BYTES_BESIDE_PAYLOAD = 1024;

/**
 * The verbs of the queue.
 *
 * A lease has ended when its end is past. It has also ended when its end is further in the future
 * than twice its length: then another clock set it, e.g. that of an earlier nexthop, and the job
 * would wait until this clock has caught up.
 */
export function jobSteps(
  database: DatabaseSync,
  clock: StoreClock,
): Pick<Steps, 'push' | 'claim' | 'extend' | 'done' | 'again' | 'bury' | 'tick'> {
  const newId = monotonicFactory();
  const insert = database.prepare('INSERT INTO jobs (id, rule, pushed_at, due_at) VALUES (?, ?, ?, ?)');
  const insertPayload = database.prepare(
    "INSERT INTO payloads (id, payload, rule, pushed_at, due_at) VALUES (?, ?, '', 0, 0)",
  );
  const readPayload = database.prepare('SELECT payload FROM payloads WHERE id = ?');
  const firstReady = database.prepare(
    'SELECT id, ready_at FROM jobs WHERE dead = 0 AND rule = ? AND ready_at <= ? ORDER BY ready_at, id LIMIT 1',
  );
  const firstAhead = database.prepare(
    'SELECT id, ready_at FROM jobs WHERE lease IS NOT NULL AND rule = ? AND lease_ends_at - 2 * lease_ms > ? LIMIT 1',
  );
  const lease = database.prepare(
    `UPDATE jobs SET lease = ?, lease_ms = ?, lease_ends_at = ?, attempts = attempts + 1, vanished = vanished + (lease IS NOT NULL)
     WHERE id = ? RETURNING id, rule, due_at, attempts, failures, vanished`,
  );
  const extend = database.prepare('UPDATE jobs SET lease_ms = ?, lease_ends_at = ? WHERE id = ? AND lease = ?');
  const remove = database.prepare('DELETE FROM jobs WHERE id = ? AND lease = ?');
  const removePayload = database.prepare('DELETE FROM payloads WHERE id = ?');
  const giveBack = database.prepare(
    `UPDATE jobs SET lease = NULL, lease_ms = NULL, lease_ends_at = NULL, due_at = ?2,
       failures = failures + (?3 IS NOT NULL), reason = coalesce(?3, reason)
     WHERE id = ?1 AND lease = ?4`,
  );
  const bury = database.prepare(
    `UPDATE jobs SET lease = NULL, lease_ms = NULL, lease_ends_at = NULL, dead = 1, failures = failures + 1, reason = ?
     WHERE id = ? AND lease = ?`,
  );
  const lastTick = database.prepare('SELECT schedule, at FROM ticks WHERE rule = ?');
  const setTick = database.prepare(
    'INSERT INTO ticks (rule, schedule, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET schedule = excluded.schedule, at = excluded.at',
  );
  const anyAlive = database.prepare('SELECT 1 FROM jobs WHERE dead = 0 AND rule = ? LIMIT 1');

  const add = (rule: string, dueAt: number, payload: Uint8Array): string => {
    const now = clock.now();
    const id = newId(now);
    insert.run(id, rule, now, dueAt);
    insertPayload.run(id, payload);
    return id;
  };

  /**
   * The id of the job that is due longest among all these rules, with a few index look-ups for
   * each.
   */
  const findDue = (rules: readonly string[]): string | undefined => {
    const now = clock.now();
    let due: Row | undefined;
    for (const rule of rules) {
      const candidate = firstReady.get(rule, now) ?? firstAhead.get(rule, now);
      if (candidate && (!due || isBefore(candidate, due))) due = candidate;
    }
    return due && String(due.id);
  };

  const isKnown = ({ rule, schedule, atMs }: Tick): boolean => {
    const last = lastTick.get(rule);
    return last?.schedule === schedule && Number(last.at) >= atMs && Number(last.at) <= Date.now() + WRONG_CLOCK_MS;
  };

  return {
    push: {
      writes: always,
      takes: ({ payload }) => payload.length + BYTES_BESIDE_PAYLOAD,
      run: ({ rule, payload, dueAtMs }: NewJob) => add(rule, clock.fromWall(dueAtMs), payload),
    },
    claim: {
      writes: (rules) => findDue(rules) !== undefined,
      run: (rules, leaseMs) => {
        const due = findDue(rules);
        if (due === undefined) return undefined;
        const token = randomUUID();
        const length = Math.ceil(leaseMs);
        const row = lease.get(token, length, clock.now() + length, due);
        return row && { job: toJob({ ...row, ...readPayload.get(due) }, clock), lease: token };
      },
    },
    extend: {
      writes: always,
      run: ({ id, lease }: Hold, leaseMs) => {
        const length = Math.ceil(leaseMs);
        return extend.run(length, clock.now() + length, id, lease).changes === 1;
      },
    },
    done: {
      writes: always,
      run: ({ id, lease }) => {
        const isOurs = remove.run(id, lease).changes === 1;
        if (isOurs) removePayload.run(id);
        return isOurs;
      },
    },
    // A failure counts even if there is no room for its reason, which is also in error.log.
    again: {
      writes: always,
      takes: (_, __, reason = '') => reason.length,
      without: (hold, dueAtMs, reason) => [hold, dueAtMs, reason && ''],
      run: ({ id, lease }, dueAtMs, reason) =>
        giveBack.run(id, clock.fromWall(dueAtMs), reason ?? null, lease).changes === 1,
    },
    bury: {
      writes: always,
      takes: (_, reason) => reason.length,
      without: (hold) => [hold, ''],
      run: ({ id, lease }, reason) => bury.run(reason, id, lease).changes === 1,
    },
    tick: {
      writes: (tick) => !isKnown(tick),
      run: (tick) => {
        if (isKnown(tick)) return 'known';
        const { rule, schedule, atMs, payload } = tick;
        const isFirst = lastTick.get(rule)?.schedule !== schedule;
        setTick.run(rule, schedule, Math.ceil(atMs));
        if (isFirst) return 'first';
        if (anyAlive.get(rule)) return 'busy';
        add(rule, clock.now(), payload);
        return 'pushed';
      },
    },
  };
}

/** Whether `one` has been due longer than `other`. */
function isBefore(one: Row, other: Row): boolean {
  const difference = Number(one.ready_at) - Number(other.ready_at);
  return difference < 0 || (difference === 0 && String(one.id) < String(other.id));
}

/** Converts a row of `jobs` with these columns, and its payload. */
export function toJob(row: Row, clock: StoreClock): Job {
  return {
    id: String(row.id),
    rule: String(row.rule),
    payload: toBytes(row.payload),
    dueAtMs: clock.toWall(Number(row.due_at)),
    attempts: Number(row.attempts),
    failures: Number(row.failures),
    vanished: Number(row.vanished),
  };
}

export function toBytes(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`the database has ${typeof value} where bytes should be`);
  return value;
}
