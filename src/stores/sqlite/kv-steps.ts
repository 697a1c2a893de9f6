import type { DatabaseSync } from 'node:sqlite';
import { toBytes } from './job-steps.ts';
import { always, never, type Steps } from './verbs.ts';

/** The verbs of key-value stores. An expired entry counts as absent, even while its row exists. */
export function kvSteps(database: DatabaseSync): Pick<Steps, 'get' | 'put' | 'delete' | 'keys'> {
  const get = database.prepare(
    'SELECT value FROM kv WHERE namespace = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)',
  );
  const put = database.prepare(
    `INSERT INTO kv (namespace, key, expires_at, value) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, value = excluded.value`,
  );
  const remove = database.prepare('DELETE FROM kv WHERE namespace = ? AND key = ?');
  const keysFrom = (comparison: '>' | '>=') =>
    database.prepare(
      `SELECT key FROM kv WHERE namespace = :namespace AND key ${comparison} :from AND key < :end
         AND (expires_at IS NULL OR expires_at > :now)
       ORDER BY key LIMIT :limit`,
    );
  const keysAfter = keysFrom('>');
  const keysAt = keysFrom('>=');

  return {
    get: {
      writes: never,
      run: (namespace, key) => {
        const row = get.get(namespace, Buffer.from(key), Date.now());
        return row && toBytes(row.value);
      },
    },
    put: {
      writes: always,
      takes: (_, key, value) => key.length + value.length,
      run: (namespace, key, value, ttlMs) => {
        put.run(namespace, Buffer.from(key), ttlMs === undefined ? null : Math.ceil(Date.now() + ttlMs), value);
      },
    },
    delete: {
      writes: always,
      run: (namespace, key) => {
        remove.run(namespace, Buffer.from(key));
      },
    },
    keys: {
      writes: never,
      run: (namespace, prefix, limit, after) => {
        const first = Buffer.from(prefix);
        // No UTF-8 has the byte 0xff, so all keys with the prefix are below the prefix followed by
        // 0xff.
        const end = Buffer.concat([first, Buffer.from([0xff])]);
        const range = { namespace, end, now: Date.now(), limit };
        const previous = Buffer.from(after ?? '');
        const rows =
          after !== undefined && previous.compare(first) >= 0
            ? keysAfter.all({ ...range, from: previous })
            : keysAt.all({ ...range, from: first });
        return rows.map(({ key }) => Buffer.from(toBytes(key)).toString());
      },
    },
  };
}
