import { mkdirSync } from 'node:fs';
import test from 'ava';
import { SOON_MS } from '../../helpers/patience.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { startStateProcess } from '../../helpers/state-process.ts';

const isRoot = process.getuid?.() === 0;
const run = isRoot ? test.serial : test.serial.skip;
const reason = isRoot ? '' : ' (skipped: only root can show a process a disk of its own)';

/** The result of an attempt, printed by the script. */
interface Outcome {
  readonly code?: string;
  readonly message?: string;
  readonly value?: unknown;
}

run(
  `on a full disk writes are refused, reads succeed, accepted jobs are not lost, and writes succeed when there is space${reason}`,
  async (t) => {
    const folder = await sqliteFolder(t);
    mkdirSync(folder.dataDir, { recursive: true });
    const script = `
    fs.writeFileSync(dataDir + '/filler', Buffer.alloc(1 << 20));
    await store.kv('a').put('key', Buffer.from('kept'));
    let accepted = 0;
    const push = () => outcome(store.queue.push({ ...job(), payload: Buffer.alloc(100_000) }));
    for (let last; last?.code === undefined; last = await push()) if (last) accepted++;
    const before = performance.now();
    say(await push());
    say(performance.now() - before);
    say(await outcome(store.kv('a').get('key').then(String)));
    say((await outcome(store.queue.ledger.counts())).value.waiting === accepted);
    fs.rmSync(dataDir + '/filler');
    say(await push());
    say((await store.queue.ledger.counts()).waiting === accepted + 1);`;

    const process = startStateProcess(t, script, {
      ...folder,
      under: ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=3m none "$0" && exec "$@"', folder.dataDir],
    });

    t.is(await process.exited, 0);
    const [logged, refused, tookMs, value, isExact, cured, isStillExact] = process.values as readonly Outcome[];
    t.regex(logged?.message ?? '', /no space is left for .*state\.db/);
    t.is(refused?.code, 'store_unavailable');
    t.true(Number(tookMs) < SOON_MS);
    t.is(value?.value, String(Buffer.from('kept').join(',')));
    t.is(isExact as unknown, true);
    t.is(typeof cured?.value, 'string');
    t.is(isStillExact as unknown, true);
  },
);

run(`on a full disk a checkpoint makes space in the log if the database has free pages${reason}`, async (t) => {
  const folder = await sqliteFolder(t);
  mkdirSync(folder.dataDir, { recursive: true });
  // Free pages in the database, a log too short for an automatic checkpoint, and no other free byte on the disk.
  const script = `
    const push = ({ queue }) => outcome(queue.push({ ...job(), payload: Buffer.alloc(100_000) }));
    for (let count = 0; count < 50; count++) await push(store);
    for (let claim; (claim = await store.queue.claim(['mail'], 60_000)); ) await store.queue.done(claim);
    await store.close();
    const later = openSqliteStore({ dataDir, fsync: false, log });
    for (let count = 0; count < 10; count++) await push(later);
    try { for (;;) fs.appendFileSync(dataDir + '/filler', Buffer.alloc(4096)); } catch {}
    let taken = 0;
    for (; taken < 20 && (await push(later)).code === undefined; taken++);
    say(taken);`;

  const process = startStateProcess(t, script, {
    ...folder,
    under: ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=24m none "$0" && exec "$@"', folder.dataDir],
  });

  t.is(await process.exited, 0);
  t.deepEqual(process.values, [20]);
});

/**
 * Pushes until the disk is full, then claims and ends all jobs. Some jobs fail first and some are
 * buried, unless other files fill the disk: reasons need space.
 */
const FILL_AND_WORK_OFF = `
    const [bytes, isFilled] = JSON.parse(process.env.BACKLOG);
    const push = () => outcome(store.queue.push({ ...job(), payload: Buffer.alloc(bytes, 'x') }));
    let accepted = 0;
    for (let last; !/no space/.test(last?.message); last = await push()) if (last?.value) accepted++;
    say(accepted);
    if (isFilled) {
      for (let size = 1 << 20; size >= 1; ) {
        try { fs.appendFileSync(dataDir + '/filler', Buffer.alloc(size)); } catch { size >>= 1; }
      }
    }
    const refusals = [];
    // On a busy machine a call may time out, which has nothing to do with the disk.
    const patiently = async (call) => {
      for (;;) {
        const { value, code, message } = await outcome(call());
        if (code === undefined) return value;
        if (/no space/.test(message)) refusals.push(message);
        if (refusals.length > 10) throw new Error(message);
      }
    };
    const { queue } = store;
    for (let count = 0; ; ) {
      const claim = await patiently(() => queue.claim(['mail'], 5000));
      if (!claim) {
        const { waiting, running } = await patiently(() => queue.ledger.counts());
        if (waiting + running === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      if (claim.job.payload.length !== bytes) say('payload of ' + claim.job.id);
      const kind = isFilled || claim.job.attempts > 1 ? undefined : count++ % 7;
      if (kind === 0) await patiently(() => queue.again(claim, Date.now(), 'once more'.repeat(50)));
      else if (kind === 1) await patiently(() => queue.bury(claim, 'never'.repeat(100)));
      else await patiently(() => queue.done(claim));
    }
    const dead = await patiently(() => queue.ledger.list({ state: 'dead', limit: 100_000 }));
    for (const { id } of dead) await patiently(() => queue.ledger.drop(id));
    say(refusals);
    say(await patiently(() => queue.ledger.counts()));
    let last = await push();
    while (last.code !== undefined && !/no space/.test(last.message)) last = await push();
    say(last.message ?? 'taken');`;

for (const [what, bytes, isFilled, disk] of [
  ['large jobs that fill the disk', 256 * 1024, false, '24m'],
  ['large jobs and other files that fill the disk', 256 * 1024, true, '24m'],
  ['small jobs that fill the disk', 500, false, '10m'],
  ['small jobs and other files that fill the disk', 500, true, '10m'],
  ['a few jobs and other files that fill the disk', 100_000, true, '4m'],
] as const) {
  run(`${what} are worked off without space from elsewhere${reason}`, async (t) => {
    const folder = await sqliteFolder(t);
    mkdirSync(folder.dataDir, { recursive: true });

    const process = startStateProcess(t, FILL_AND_WORK_OFF, {
      ...folder,
      under: [
        ...['env', `BACKLOG=${JSON.stringify([bytes, isFilled])}`, 'unshare', '--mount', 'sh', '-c'],
        ...[`mount -t tmpfs -o size=${disk} none "$0" && exec "$@"`, folder.dataDir],
      ],
    });

    t.is(await process.exited, 0);
    const logged = process.values.filter(
      (value) => (value as Outcome | undefined)?.message !== undefined,
    ) as readonly Outcome[];
    const [accepted, refusals, counts, more] = process.values.filter((value) => !logged.includes(value as Outcome));
    t.true(Number(accepted) > 10, `${accepted} jobs were accepted`);
    t.deepEqual(refusals, []);
    t.deepEqual(counts, { waiting: 0, running: 0, dead: 0 });
    t.is(more, 'taken', 'done jobs make space for more');
  });
}

run(`on a disk that cannot be written writing is refused, and goes on when it can${reason}`, async (t) => {
  const folder = await sqliteFolder(t);
  const store = await ready(folder.open());
  await store.kv('a').put('key', Buffer.from('kept'));
  await store.close();
  const script = `
    const { execFileSync } = await import('node:child_process');
    const before = performance.now();
    say(await outcome(store.queue.push(job())));
    say(performance.now() - before);
    execFileSync('mount', ['-o', 'remount,bind,rw', dataDir]);
    for (let last; last?.value === undefined; ) last = await outcome(store.queue.push(job()));
    say((await store.kv('a').get('key')).join());`;

  const process = startStateProcess(t, script, {
    ...folder,
    under: [
      ...['unshare', '--mount', 'sh', '-c'],
      ...['mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', folder.dataDir],
    ],
  });

  t.is(await process.exited, 0);
  const [, refused, tookMs, value] = process.values as readonly Outcome[];
  t.is(refused?.code, 'store_unavailable');
  t.regex(refused?.message ?? '', /state\.db cannot be (written|opened)/);
  t.true(Number(tookMs) < SOON_MS);
  t.is(String(value), Buffer.from('kept').join());
});

test.serial('the built store finds the module of its thread', async (t) => {
  const folder = await sqliteFolder(t);
  const module = new URL('../../../dist/stores/sqlite/open.js', import.meta.url).href;

  const process = startStateProcess(t, 'say(await store.queue.push(job())); await store.close();', {
    ...folder,
    module,
  });

  t.is((await process.receive(1)).length, 1);
  t.is(await process.exited, 0);
});

run(
  `on a full disk blobs are refused as full, and those that were stored can be read and deleted${reason}`,
  async (t) => {
    const folder = await sqliteFolder(t);
    mkdirSync(folder.dataDir, { recursive: true });
    const script = `
    const blobs = store.blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
    const put = (key, bytes) => blobs.put('site:a', key, Buffer.alloc(bytes)).then(({ state }) => state, ({ reason }) => reason);
    const files = () => fs.readdirSync(dataDir + '/blobs', { recursive: true }).length;
    say(await put('long', 4_000_000));
    const before = files();
    say(await put('longer', 9_000_000));
    say(files() - before);
    let last = 'stored';
    for (let count = 0; last === 'stored'; count++) last = await put('short ' + count, 60_000);
    say(last);
    say((await blobs.head('site:a', 'long')).size);
    say(await blobs.delete('site:a', 'long'));
    say(await put('again', 100_000));`;

    const process = startStateProcess(t, script, {
      ...folder,
      under: ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=8m none "$0" && exec "$@"', folder.dataDir],
    });

    t.is(await process.exited, 0);
    const results = process.values.filter((value) => typeof value !== 'object');
    // The folder of a file that was not finished may stay.
    t.deepEqual(
      [...results.slice(0, 2), ...results.slice(3)],
      ['stored', 'full', 'full', 4_000_000, 'deleted', 'stored'],
    );
    t.true(Number(results[2]) <= 1);
  },
);
