import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { BlobStorage } from '../../../src/contract/blob-storage.ts';
import { read } from '../../helpers/blob-contract.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { startStateProcess } from '../../helpers/state-process.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

const LIMITS = { objectBytes: 2 ** 40, totalBytes: 0 };
const STORE = 'site:things';
const OPEN = `const blobs = store.blobs({ objectBytes: 2 ** 40, totalBytes: 0 });`;

test.serial('of simultaneous writes of a new key by two processes one wins', async (t) => {
  const { dataDir, open } = await sqliteFolder(t);
  const blobs = (await ready(open())).blobs(LIMITS);
  // Each process is ready before both write.
  const script = `${OPEN}
    while (!(await blobs.listStores('').catch(() => false)));
    say('ready');
    process.once('message', async () => {
      for (let round = 0; round < 5; round++) {
        const put = (at) => blobs.put('${STORE}', 'key ' + round, Buffer.from(process.pid + ' ' + at), { condition: 'new' });
        const outcomes = await Promise.all(Array.from({ length: 20 }, (_, at) => put(at)));
        say({ round, won: outcomes.flatMap(({ state }, at) => (state === 'stored' ? [process.pid + ' ' + at] : [])) });
      }
    });
    process.channel.ref();`;
  const processes = [startStateProcess(t, script, { dataDir }), startStateProcess(t, script, { dataDir })];
  for (const each of processes) await each.receive(1);
  for (const { child } of processes) child.send('go');
  const results = (await Promise.all(processes.map((each) => each.receive(6)))).flatMap((values) => values.slice(1));

  for (let round = 0; round < 5; round++) {
    const won = (results as { round: number; won: string[] }[]).filter((each) => each.round === round);
    t.deepEqual(
      won.flatMap((each) => each.won),
      [(await read(await blobs.get(STORE, `key ${round}`))).toString()],
    );
  }
});

test.serial('after kill -9 during 1,000 writes every acknowledged blob is there, and none is half', async (t) => {
  const { dataDir, open } = await sqliteFolder(t);
  const blobs = (await ready(open())).blobs(LIMITS);
  // Every tenth has a file of its own. The content names its key.
  const script = `${OPEN}
    const content = (key) => Buffer.from((key + ' ').repeat(key.endsWith('0') ? 20_000 : 20));
    const write = async (from) => {
      for (let at = from; at < 1000; at += 8) {
        const key = 'key ' + at;
        await blobs.put('${STORE}', key, content(key));
        say(key);
      }
    };
    for (let from = 0; from < 8; from++) write(from).catch(({ message }) => say({ message }));
    process.channel.ref();`;
  const { child, values, exited } = startStateProcess(t, script, { dataDir });
  await until(() => values.length > 300, '300 writes');
  child.kill('SIGKILL');
  t.is(await exited, 'SIGKILL');
  const acknowledged = values.map(String);

  const present = await listKeys(blobs);
  t.true(acknowledged.length < 1000, 'the process was killed too late');
  t.deepEqual(
    acknowledged.filter((key) => !present.includes(key)),
    [],
  );
  for (const key of present) {
    const expected = `${key} `.repeat(key.endsWith('0') ? 20_000 : 20);
    t.true((await read(await blobs.get(STORE, key))).toString() === expected, key);
  }
});

test.serial('files of writes that did not end are removed a day later, others stay', async (t) => {
  const { dataDir, open } = await sqliteFolder(t);
  const blobs = (await ready(open())).blobs(LIMITS);
  await blobs.put(STORE, 'long', Buffer.alloc(100_000, 'a'));
  const [folder = ''] = await readdir(join(dataDir, 'blobs'));
  const [file = ''] = await readdir(join(dataDir, 'blobs', folder));
  const orphan = join(dataDir, 'blobs', folder, `${folder}${'0'.repeat(30)}`);
  const young = join(dataDir, 'blobs', folder, `${folder}${'1'.repeat(30)}`);
  for (const path of [orphan, young]) await writeFile(path, 'x');
  const old = new Date(Date.now() - 25 * 3_600_000);
  for (const path of [orphan, join(dataDir, 'blobs', folder, file)]) await utimes(path, old, old);

  const later = (await ready(open())).blobs(LIMITS);
  await later.put(STORE, 'key', Buffer.from('x'));

  const files = async (): Promise<string[]> => readdir(join(dataDir, 'blobs', folder));
  await untilResult(files, (names) => names.length === 2);
  t.deepEqual((await files()).sort(), [file, `${folder}${'1'.repeat(30)}`].sort());
  t.is((await read(await later.get(STORE, 'long'))).length, 100_000);
});

async function listKeys(blobs: BlobStorage): Promise<readonly string[]> {
  return (await blobs.list(STORE)).blobs.map(({ key }) => key);
}
