import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../../src/contract/store.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { newJob } from '../../helpers/prepare-store.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

/** Pushes until the message of the fault matches, i.e. is not that of a starting thread. Resolves with the message. */
async function refusal(t: ExecutionContext, store: Store, pattern: RegExp): Promise<string> {
  const fault = await untilResult(
    () =>
      store.queue.push(newJob()).then(
        () => undefined,
        (error: Error) => error,
      ),
    (fault) => fault === undefined || pattern.test(fault.message),
  );
  t.like(fault, { name: 'Fault', code: 'store_unavailable' });
  const before = performance.now();
  await t.throwsAsync(store.queue.push(newJob()));
  t.true(performance.now() - before < SOON_MS);
  return fault?.message ?? '';
}

/** Pushes until it succeeds. Resolves with the id of the job. */
function recovery({ queue }: Store): Promise<string> {
  return untilResult(() => queue.push(newJob()).catch(() => ''), Boolean);
}

test.serial('no file is created before the store is used, and then only its user can read it', async (t) => {
  const folder = await sqliteFolder(t);
  const store = folder.open();
  t.throws(() => statSync(folder.dataDir), { code: 'ENOENT' });

  await ready(store);
  await store.queue.push(newJob());

  t.is(statSync(folder.dataDir).mode & 0o777, 0o700);
  for (const suffix of ['', '-wal', '-shm']) t.is(statSync(folder.file + suffix).mode & 0o777, 0o600);
});

test.serial('an existing data folder keeps its mode', async (t) => {
  const folder = await sqliteFolder(t);
  mkdirSync(folder.dataDir, { recursive: true });
  chmodSync(folder.dataDir, 0o755);

  await ready(folder.open());

  t.is(statSync(folder.dataDir).mode & 0o777, 0o755);
});

test.serial('a file that is not a database is named, not changed, and replaced when it is moved away', async (t) => {
  const folder = await sqliteFolder(t);
  mkdirSync(folder.dataDir, { recursive: true });
  const text = 'this is a diary. '.repeat(400);
  writeFileSync(folder.file, text);
  const store = folder.open();

  t.regex(await refusal(t, store, /damaged/), /\/state\.db is damaged .*: nothing was deleted/);
  t.is(readFileSync(folder.file, 'utf8'), text);

  rmSync(folder.file);
  t.truthy(await recovery(store));
});

test.serial(
  'a database that is damaged while it is in use is named, and works again when it is repaired',
  async (t) => {
    const folder = await sqliteFolder(t);
    const first = await ready(folder.open());
    for (let count = 0; count < 200; count++) void first.queue.push(newJob({ payload: Buffer.alloc(3000) }));
    const kept = await first.queue.push(newJob());
    await first.close();
    const sound = readFileSync(folder.file);
    const store = await ready(folder.open());

    writeFileSync(folder.file, Buffer.concat([sound.subarray(0, 100), Buffer.alloc(sound.length - 100, 0x5a)]));
    t.regex(await refusal(t, store, /damaged/), /\/state\.db is damaged/);

    for (const suffix of ['-wal', '-shm']) rmSync(folder.file + suffix, { force: true });
    writeFileSync(folder.file, sound);
    t.truthy(await recovery(store));
    t.truthy(await store.queue.ledger.find(kept));
  },
);

test.serial('a folder that cannot be created is named, and created when that is possible', async (t) => {
  const folder = await sqliteFolder(t);
  const inTheWay = dirname(folder.dataDir);
  writeFileSync(inTheWay, 'a file');
  const store = folder.open();

  t.regex(await refusal(t, store, /ENOTDIR|EEXIST/), /state\.db cannot be opened .*site/);

  rmSync(inTheWay);
  t.truthy(await recovery(store));
});

test.serial('a database of a newer nexthop is refused and not changed', async (t) => {
  const folder = await sqliteFolder(t);
  await (await ready(folder.open())).close();
  const newer = new DatabaseSync(folder.file);
  newer.exec('PRAGMA user_version = 999; CREATE TABLE of_the_future (a)');
  newer.close();

  const message = await refusal(t, folder.open(), /newer/);

  t.regex(message, /state\.db was written by a newer nexthop: its schema is 999, this one supports \d+/);
});

test.serial('a database that is removed while it is in use is created again, and the loss is logged', async (t) => {
  const folder = await sqliteFolder(t);
  const store = await ready(folder.open());
  let notified = 0;
  store.queue.onPush(() => notified++);
  await store.queue.push(newJob());

  rmSync(folder.dataDir, { recursive: true });

  const id = await recovery(store);
  t.true(folder.logged.some((line) => /^warn: .*state\.db was removed or replaced/.test(line)));
  const other = await ready(folder.open());
  t.deepEqual(
    (await other.queue.ledger.list({ limit: 10 })).map((record) => record.id),
    [id],
  );
  // Changes of the new file are noticed, too.
  notified = 0;
  await untilResult(
    async () => {
      await other.queue.push(newJob());
      return notified;
    },
    (count) => count > 0,
  );
});

test.serial('an invalid call is not logged as a failure of the store, and does not affect other calls', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());

  const outcomes = await Promise.allSettled([
    queue.push(newJob()),
    queue.push(newJob({ dueAtMs: Number.NaN })),
    queue.push(newJob()),
  ]);

  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.not(outcomes[1]?.status === 'rejected' && outcomes[1].reason.code, 'store_unavailable');
  t.deepEqual(await queue.ledger.counts(), { waiting: 2, running: 0, dead: 0 });
  t.deepEqual(folder.logged, []);
});
