import { existsSync } from 'node:fs';
import test from 'ava';
import { ready, sqliteRoom } from '../../helpers/sqlite-store.ts';
import { startStateProcess } from '../../helpers/state-process.ts';
import { claimAll, claimSoon, LONG_LEASE_MS, newJob } from '../../helpers/store-place.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-told.ts';

test.serial('two processes work off one queue together, each job once', async (t) => {
  const room = await sqliteRoom(t);
  const store = await ready(room.open());
  const pushed = await Promise.all(Array.from({ length: 300 }, () => store.queue.push(newJob())));
  const script = `
    for (let claim; (claim = await store.queue.claim(['mail'], 60_000)); ) {
      await store.queue.done(claim);
      say(claim.job.id);
    }
    say('end');`;

  const others = [1, 2].map(() => startStateProcess(t, script, room));
  await until(() => others.every(({ said }) => said.includes('end')), 'the end of their work');

  const worked = others.flatMap(({ said }) => said.filter((id) => id !== 'end'));
  t.deepEqual(worked.toSorted(), pushed.toSorted());
  t.deepEqual(await store.queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
});

test.serial('what was acknowledged is there after the process was killed in the middle of pushing', async (t) => {
  const room = await sqliteRoom(t);
  for (let round = 0; round < 3; round++) {
    const script = 'for (;;) await Promise.all(Array.from({ length: 8 }, () => store.queue.push(job()).then(say)));';
    const pusher = startStateProcess(t, script, room);
    const count = 100 * (round + 1);
    await until(() => pusher.said.length >= count, `${count} acknowledged pushes`);

    pusher.child.kill('SIGKILL');
    await pusher.exited;

    const store = await ready(room.open());
    const there = new Set((await store.queue.ledger.list({ limit: 100_000 })).map(({ id }) => id));
    t.deepEqual(
      pusher.said.filter((id) => !there.has(String(id))),
      [],
    );
    await store.close();
  }
});

test.serial('the job of a process that was killed is claimed again when its lease ends, with no failure', async (t) => {
  const room = await sqliteRoom(t);
  const { queue } = await ready(room.open());
  await queue.push(newJob());
  const worker = startStateProcess(
    t,
    `say((await store.queue.claim(['mail'], 1000)).job.attempts); setInterval(() => {}, 1e6);`,
    room,
  );
  await worker.heard(1);

  worker.child.kill('SIGKILL');

  t.like((await claimSoon(queue)).job, { attempts: 2, failures: 0 });
});

test.serial('who listens hears of a push in another process without asking', async (t) => {
  const room = await sqliteRoom(t);
  const { queue } = await ready(room.open());
  let heard = 0;
  queue.onPush(() => heard++);
  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);

  const pusher = startStateProcess(t, 'say(await store.queue.push(job()));', room);
  await until(() => heard > 0, 'the push');

  const { job } = await claimSoon(queue);
  t.deepEqual(await pusher.heard(1), [job.id]);
});

test.serial('who listens hears nothing of what it only reads, or what it does itself', async (t) => {
  const room = await sqliteRoom(t);
  const { queue } = await ready(room.open());
  let heard = 0;
  queue.onPush(() => heard++);
  await queue.push(newJob());
  t.is(heard, 1);

  const claim = await claimSoon(queue);
  await queue.extend(claim, LONG_LEASE_MS);
  await queue.done(claim);
  for (let count = 0; count < 100; count++) await queue.claim(['mail'], LONG_LEASE_MS);

  t.is(heard, 1);
});

test.serial('many processes may be the first to open the store', async (t) => {
  const room = await sqliteRoom(t);

  const processes = Array.from({ length: 4 }, () => startStateProcess(t, 'say(await store.queue.push(job()));', room));
  const ids = (await Promise.all(processes.map(({ heard }) => heard(1)))).flat();

  const { queue } = await ready(room.open());
  t.deepEqual((await claimAll(queue)).map(({ id }) => id).toSorted(), ids.toSorted());
});

test.serial('a process with an open store that has nothing to do ends by itself', async (t) => {
  const room = await sqliteRoom(t);

  const idle = startStateProcess(t, 'store.queue.onPush(() => {}); await store.kv("a").get("b");', room);

  t.is(await idle.exited, 0);
});

test.serial('a process does not end before what it was asked to keep is kept', async (t) => {
  const room = await sqliteRoom(t);

  const hasty = startStateProcess(
    t,
    'void store.kv("a").put("key", Buffer.from("kept")).then(() => say("kept"));',
    room,
  );

  t.is(await hasty.exited, 0);
  t.deepEqual(hasty.said, ['kept']);
  const value = await (await ready(room.open())).kv('a').get('key');
  t.is(Buffer.from(value ?? []).toString(), 'kept');
});

test.serial('a closed store leaves its one file behind, with all that is in it', async (t) => {
  const room = await sqliteRoom(t);
  const store = await ready(room.open());
  const pushes = Array.from({ length: 50 }, () => store.queue.push(newJob()));

  await store.close();

  await Promise.all(pushes);
  t.true(existsSync(room.file));
  t.false(existsSync(`${room.file}-wal`));
  const again = await ready(room.open());
  const counts = await untilResult(
    () => again.queue.ledger.counts(),
    () => true,
  );
  t.is(counts.waiting, 50);
});
