import { existsSync } from 'node:fs';
import test from 'ava';
import { claimAll, claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/prepare-store.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { startStateProcess } from '../../helpers/state-process.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

test.serial('two processes share one queue, and each job is claimed once', async (t) => {
  const folder = await sqliteFolder(t);
  const store = await ready(folder.open());
  const pushed = await Promise.all(Array.from({ length: 300 }, () => store.queue.push(newJob())));
  const script = `
    for (let claim; (claim = await store.queue.claim(['mail'], 60_000)); ) {
      await store.queue.done(claim);
      say(claim.job.id);
    }
    say('end');`;

  const others = [1, 2].map(() => startStateProcess(t, script, folder));
  await until(() => others.every(({ values }) => values.includes('end')), 'both processes to end');

  const worked = others.flatMap(({ values }) => values.filter((id) => id !== 'end'));
  t.deepEqual(worked.toSorted(), pushed.toSorted());
  t.deepEqual(await store.queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
});

test.serial('acknowledged pushes are stored although the process is killed during a push', async (t) => {
  const folder = await sqliteFolder(t);
  for (let round = 0; round < 3; round++) {
    const script = 'for (;;) await Promise.all(Array.from({ length: 8 }, () => store.queue.push(job()).then(say)));';
    const pusher = startStateProcess(t, script, folder);
    const count = 100 * (round + 1);
    await until(() => pusher.values.length >= count, `${count} acknowledged pushes`);

    pusher.child.kill('SIGKILL');
    await pusher.exited;

    const store = await ready(folder.open());
    const there = new Set((await store.queue.ledger.list({ limit: 100_000 })).map(({ id }) => id));
    t.deepEqual(
      pusher.values.filter((id) => !there.has(String(id))),
      [],
    );
    await store.close();
  }
});

test.serial('the job of a process that was killed is claimed again when its lease ends, with no failure', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  await queue.push(newJob());
  const worker = startStateProcess(
    t,
    `say((await store.queue.claim(['mail'], 1000)).job.attempts); setInterval(() => {}, 1e6);`,
    folder,
  );
  await worker.receive(1);

  worker.child.kill('SIGKILL');

  t.like((await claimSoon(queue)).job, { attempts: 2, failures: 0 });
});

test.serial('a listener is called for a push of another process', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  let notified = 0;
  queue.onPush(() => notified++);
  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

  const pusher = startStateProcess(t, 'say(await store.queue.push(job()));', folder);
  await until(() => notified > 0, 'the push');

  const { job } = await claimSoon(queue);
  t.deepEqual(await pusher.receive(1), [job.id]);
});

test.serial('a listener is not called for reads and for changes of its own store', async (t) => {
  const folder = await sqliteFolder(t);
  const { queue } = await ready(folder.open());
  let notified = 0;
  queue.onPush(() => notified++);
  await queue.push(newJob());
  t.is(notified, 1);

  const claim = await claimSoon(queue);
  await queue.extend(claim, LONG_LEASE_MS);
  await queue.done(claim);
  for (let count = 0; count < 100; count++) await queue.claim(['mail'], LONG_LEASE_MS);

  t.is(notified, 1);
});

test.serial('many processes may be the first to open the store', async (t) => {
  const folder = await sqliteFolder(t);

  const processes = Array.from({ length: 4 }, () =>
    startStateProcess(t, 'say(await store.queue.push(job()));', folder),
  );
  const ids = (await Promise.all(processes.map(({ receive }) => receive(1)))).flat();

  const { queue } = await ready(folder.open());
  t.deepEqual((await claimAll(queue)).map(({ id }) => id).toSorted(), ids.toSorted());
});

test.serial('an open store does not keep a process alive', async (t) => {
  const folder = await sqliteFolder(t);

  const idle = startStateProcess(t, 'store.queue.onPush(() => {}); await store.kv("a").get("b");', folder);

  t.is(await idle.exited, 0);
});

test.serial('a process does not end before pending pushes are stored', async (t) => {
  const folder = await sqliteFolder(t);

  const hasty = startStateProcess(
    t,
    'void store.kv("a").put("key", Buffer.from("kept")).then(() => say("kept"));',
    folder,
  );

  t.is(await hasty.exited, 0);
  t.deepEqual(hasty.values, ['kept']);
  const value = await (await ready(folder.open())).kv('a').get('key');
  t.is(Buffer.from(value ?? []).toString(), 'kept');
});

test.serial('a closed store leaves one file with all data', async (t) => {
  const folder = await sqliteFolder(t);
  const store = await ready(folder.open());
  const pushes = Array.from({ length: 50 }, () => store.queue.push(newJob()));

  await store.close();

  await Promise.all(pushes);
  t.true(existsSync(folder.file));
  t.false(existsSync(`${folder.file}-wal`));
  const again = await ready(folder.open());
  const counts = await untilResult(
    () => again.queue.ledger.counts(),
    () => true,
  );
  t.is(counts.waiting, 50);
});
