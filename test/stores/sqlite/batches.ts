import { readFileSync } from 'node:fs';
import test from 'ava';
import { Batches } from '../../../src/stores/sqlite/batches.ts';
import type { Answer } from '../../../src/stores/sqlite/messages.ts';
import { monotonicMs } from '../../../src/stores/sqlite/monotonic.ts';
import { StateFile } from '../../../src/stores/sqlite/state-file.ts';
import { newJob } from '../../helpers/prepare-store.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { until } from '../../helpers/until.ts';

/** The number of commits in a write-ahead log (sqlite.org/fileformat2.html, section 4). */
function commitsIn(file: string): number {
  const wal = readFileSync(`${file}-wal`);
  const frameBytes = 24 + wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  let commits = 0;
  for (let frame = 32; frame + frameBytes <= wal.length; frame += frameBytes) {
    // Frames from before the last restart of the log have another salt.
    if (!wal.subarray(frame + 8, frame + 16).equals(salt)) break;
    if (wal.readUInt32BE(frame + 4) > 0) commits++;
  }
  return commits;
}

test.serial('calls at the same time are committed together', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  const before = commitsIn(folder.file);

  await Promise.all(Array.from({ length: 500 }, () => queue.push(newJob())));

  const commits = commitsIn(folder.file) - before;
  t.true(commits >= 1 && commits < 50, `${commits} commits`);
});

test.serial('calls one after another are committed one after another', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  const before = commitsIn(folder.file);

  for (let count = 0; count < 5; count++) await queue.push(newJob());

  t.is(commitsIn(folder.file) - before, 5);
});

test.serial('calls that only read commit nothing', async (t) => {
  const folder = await sqliteFolder(t);
  const store = await ready(folder.open());
  await store.queue.tick({ rule: 'a', schedule: '* * * * *', atMs: 60_000, payload: Buffer.from('') });
  const before = readFileSync(`${folder.file}-wal`);

  await store.queue.claim(['mail'], 1000);
  await store.queue.tick({ rule: 'a', schedule: '* * * * *', atMs: 60_000, payload: Buffer.from('') });
  await store.queue.ledger.list({ limit: 10 });
  await store.kv('a').get('b');
  await store.kv('a').list('', 10);

  t.true(readFileSync(`${folder.file}-wal`).equals(before));
});

test.serial('calls are executed in their order, also without waits in between', async (t) => {
  const kv = (await ready((await sqliteFolder(t)).open())).kv('a');

  const done = [
    kv.get('key'),
    kv.put('key', Buffer.from('one')),
    kv.get('key'),
    kv.delete('key'),
    kv.get('key'),
    kv.put('key', Buffer.from('two')),
    kv.list('', 10),
  ];

  const [first, , second, , third, , keys] = await Promise.all(done);
  t.deepEqual(
    [first, Buffer.from(second as Uint8Array).toString(), third, keys],
    [undefined, 'one', undefined, ['key']],
  );
});

test.serial('a call whose caller no longer waits is not executed', async (t) => {
  const { file: path } = await sqliteFolder(t);
  const file = new StateFile({ path, fsync: false, onOpen: () => {}, onMoved: () => {} });
  t.teardown(() => file.close());
  const answers: Answer[] = [];
  const batches = new Batches(file, (some) => answers.push(...some));
  const now = monotonicMs();

  batches.add({ number: 1, verb: 'push', args: [newJob()], startUntilMs: now - 1 });
  batches.add({ number: 2, verb: 'push', args: [newJob()], startUntilMs: now + 60_000 });
  batches.add({ number: 3, verb: 'push', args: [newJob()], startUntilMs: now - 1 });
  await until(() => batches.isIdle, 'all calls to be executed');

  t.deepEqual(answers.map(({ number, kind }) => [number, kind]).toSorted(), [
    [1, 'unavailable'],
    [2, 'value'],
    [3, 'unavailable'],
  ]);
  t.is(file.open().database.prepare('SELECT count(*) AS jobs FROM jobs').get()?.jobs, 1);
});
