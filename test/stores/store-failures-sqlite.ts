import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { backgroundSite, send, sendUntilTaken } from '../helpers/background-site.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { startNexthop } from '../helpers/process.ts';
import { sqliteFolder } from '../helpers/sqlite-store.ts';
import { answeringHop, assertAway, assertBack, type Module, startModule } from '../helpers/store-outage.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Serial, because each store has a thread that must answer within a second. */
const run = test.serial;

/** A store may accept one or two jobs more with pages in its cache. */
const MOST_CACHED = 10;

const ENDS = ['hold', 'waits', 'waits too'];

/** Pushes some jobs: one runs until it is released, the others wait for its slot. */
async function acceptSome({ url, site }: Pick<Module, 'url' | 'site'>): Promise<readonly string[]> {
  for (const text of ENDS) await sendUntilTaken(url, text);
  await site.untilLedger((lines) => lines.length === 1);
  return ENDS;
}

/** Resolves when the store refuses a job. It may accept one or two more with pages in its cache. */
async function untilRefused(url: string): Promise<void> {
  await untilResult(
    () => send(url, 'maybe'),
    ({ status }) => status === 503,
  );
}

/** In a process of its own: a process that closes a file loses all of its locks on it (fcntl(2)), those of the store included. */
const DAMAGE = `import { readFileSync, writeFileSync } from 'node:fs';
  import { DatabaseSync } from 'node:sqlite';
  const [file, copy] = process.argv.slice(1);
  const database = new DatabaseSync(file, { timeout: ${PATIENCE_MS} });
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const sound = readFileSync(file);
  writeFileSync(file, Buffer.concat([sound.subarray(0, 100), Buffer.alloc(sound.length - 100, 0x5a)]));
  writeFileSync(copy, sound);`;

const RESTORE = `import { copyFileSync } from 'node:fs';
  const [file, copy] = process.argv.slice(1);
  copyFileSync(copy, file);`;

/**
 * Damages the file until the store refuses a job, and returns the content before. If the store has read its pages again between the checkpoint and the
 * damage, it does not look at the file any more.
 */
async function damage({ url }: Module, file: string): Promise<Buffer> {
  const copy = `${file}.sound`;
  const runScript = (code: string) =>
    execFileSync(process.execPath, ['--input-type=module', '--eval', code, file, copy]);
  for (;;) {
    runScript(DAMAGE);
    for (let tries = 0; tries < MOST_CACHED; tries++) {
      if ((await send(url, 'maybe')).status === 503) return readFileSync(copy);
    }
    runScript(RESTORE);
  }
}

run(
  'while the database is locked, what needs no state is as fast as ever, the rest a quick 503, and nothing is lost',
  async (t) => {
    const { dataDir, file } = await sqliteFolder(t);
    const module = await startModule(t, { DATA_DIR: dataDir, STORE_FSYNC: '0', JOB_CONCURRENCY: '1' });
    const accepted = await acceptSome(module);

    const other = new DatabaseSync(file, { timeout: PATIENCE_MS });
    other.exec('BEGIN IMMEDIATE');
    await assertAway(t, module.url, 'refused 1');
    // The running job ends while its result cannot be stored.
    await module.site.release();
    await module.site.untilLedger((lines) => lines.some(({ event }) => event === 'ends'));
    await assertAway(t, module.url, 'refused 2');
    other.exec('ROLLBACK');
    other.close();

    await assertBack(t, module, accepted);
    const texts = (await module.site.ledger()).map(({ text }) => text);
    t.false(
      texts.some((text) => text.startsWith('refused')),
      'what was refused does not happen later',
    );
  },
);

run('a database that is damaged while it is in use, and put right, loses nothing and needs no restart', async (t) => {
  const { dataDir, file } = await sqliteFolder(t);
  const module = await startModule(t, { DATA_DIR: dataDir, STORE_FSYNC: '0', JOB_CONCURRENCY: '1' });
  const accepted = await acceptSome(module);
  const sound = await damage(module, file);
  await assertAway(t, module.url, 'refused');
  for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
  writeFileSync(file, sound);
  await module.site.release();

  await assertBack(t, module, accepted);
});

run(
  'a module that finds no database where its database should be is up, and takes jobs when that is moved away',
  async (t) => {
    const { dataDir, file } = await sqliteFolder(t);
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, 'a diary, not a database. '.repeat(400));
    const module = await startModule(t, { DATA_DIR: dataDir, STORE_FSYNC: '0' });

    await untilRefused(module.url);
    await assertAway(t, module.url, 'refused');
    rmSync(file);

    await assertBack(t, module, []);
    const messages = (await module.edge.errorLines()).map(({ message }) => String(message));
    t.true(messages.some((text) => text.includes(`${file} is damaged`)));
  },
);

const isRoot = process.getuid?.() === 0;
const reason = isRoot ? '' : ' (skipped: only root can show a process a disk of its own)';

(isRoot ? run : run.skip)(
  `on a full disk requests without state are as fast as ever, others get 503 quickly, and no job is lost${reason}`,
  async (t) => {
    const site = await backgroundSite(t);
    const { dataDir } = await sqliteFolder(t);
    mkdirSync(dataDir, { recursive: true });
    const process = await startNexthop(t, {
      site: site.folder,
      env: { DATA_DIR: dataDir, NEXT_HOP: await answeringHop(t), JOB_CONCURRENCY: '1' },
      under: [
        ...['unshare', '--mount', 'sh', '-c'],
        ...['mount -t tmpfs -o size=16m none "$0" && head -c 9M /dev/zero > "$0/filler" && exec "$@"', dataDir],
      ],
    });
    // The disk of the process.
    const filler = join('/proc', String(process.pid), 'root', dataDir, 'filler');
    t.true(existsSync(filler));
    const url = `http://127.0.0.1:${process.port}`;
    await sendUntilTaken(url, 'hold');
    await site.untilLedger((lines) => lines.length === 1);
    const accepted = ['hold'];
    for (;;) {
      const text = `${accepted.length} `.padEnd(40, '.');
      const { status } = await send(url, text.padEnd(100_000, '.'));
      if (status === 503) break;
      t.is(status, 202);
      accepted.push(text);
    }
    t.true(accepted.length > 5, `${accepted.length} jobs were accepted`);

    await assertAway(t, url, 'refused'.padEnd(100_000, '.'));
    await site.release();
    await site.untilLedger((lines) => lines.some(({ event }) => event === 'ends'));
    rmSync(filler);

    await assertBack(t, { site, url }, accepted);
  },
);
