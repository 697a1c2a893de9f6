import test from 'ava';
import type { JobRecord } from '../../../src/contract/store.ts';
import {
  backgroundSite,
  type LedgerLine,
  send,
  sendUntilTaken,
  WORK,
  WORK_RULE,
} from '../../helpers/background-site.ts';
import { CONFIGURED_STORES, configureRedis, configureSqlite } from '../../helpers/configured-store.ts';
import { startEdge } from '../../helpers/edge.ts';
import { scriptedHop } from '../../helpers/peer.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

const NOTHING = { waiting: 0, running: 0, dead: 0 };

for (const [name, prepare] of Object.entries(CONFIGURED_STORES)) {
  test(`${name}: a request for a background function gets an empty 202, and the function runs with the whole request`, async (t) => {
    const site = await backgroundSite(t);
    const { env } = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env });
    await sendUntilTaken(url, 'first');

    const answer = await send(url, 'second');

    t.is(answer.status, 202);
    t.is(await answer.text(), '');
    const lines = await site.untilLedger((all) => ended(all).length === 2);
    t.deepEqual(ended(lines), ['first', 'second']);
    t.regex(lines[0]?.job ?? '', /^[0-9A-Z]{26}$/);
    t.is(lines[0]?.attempt, 1);
  });

  test(`${name}: the 202 is sent after the job is stored, not before`, async (t) => {
    const site = await backgroundSite(t);
    const room = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env: { ...room.env, JOB_CONCURRENCY: '0' } });
    await sendUntilTaken(url, 'first');
    const { queue } = await room.open();
    let isAnswered = false;

    const letGo = await room.hold();
    const heldAtMs = performance.now();
    const sent = send(url, 'second').finally(() => {
      isAnswered = true;
    });
    await until(() => performance.now() - heldAtMs > 300, 'some time');
    t.false(isAnswered);
    await letGo();

    t.is((await sent).status, 202);
    t.is((await queue.ledger.counts()).waiting, 2);
  });

  test(`${name}: a failed job is due again after one minute, then after two more minutes, and then it is dead`, async (t) => {
    const site = await backgroundSite(t);
    const room = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env: room.env });
    const { queue } = await room.open();
    const record = (satisfies: (found: JobRecord) => boolean) =>
      untilResult(
        async () => (await queue.ledger.list({ limit: 1 }))[0],
        (found) => found !== undefined && satisfies(found),
      );
    await sendUntilTaken(url, 'fail');

    const first = await record(({ failures }) => failures === 1);
    t.is(first?.state, 'waiting');
    t.true(isAbout(60_000, (first?.dueAtMs ?? 0) - lastBegin(await site.ledger())));
    await room.passTime();
    const second = await record(({ failures }) => failures === 2);
    t.is(second?.state, 'waiting');
    t.true(isAbout(120_000, (second?.dueAtMs ?? 0) - lastBegin(await site.ledger())));
    await room.passTime();
    const third = await record(({ failures }) => failures === 3);

    t.like(third, { state: 'dead', rule: WORK_RULE, attempts: 3 });
    t.regex(third?.reason ?? '', /^Error: the text is fail\n +at /);
    const lines = await site.ledger();
    t.deepEqual(
      lines.map(({ event, attempt }) => `${event} ${attempt}`),
      ['begins 1', 'begins 2', 'begins 3'],
    );
    t.deepEqual([...new Set(lines.map(({ job }) => job))], [third?.id]);
  });

  test(`${name}: no more jobs run at a time than the settings allow`, async (t) => {
    const site = await backgroundSite(t);
    const { env, open } = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env: { ...env, JOB_FUNCTION_CONCURRENCY: '2' } });
    const { queue } = await open();
    for (const text of ['hold 1', 'hold 2', 'hold 3', 'hold 4', 'hold 5']) await sendUntilTaken(url, text);
    await site.untilLedger((lines) => lines.length === 2);
    t.deepEqual(await queue.ledger.counts(), { waiting: 3, running: 2, dead: 0 });

    await site.release();

    const lines = await site.untilLedger((all) => ended(all).length === 5);
    t.true(mostAtOnce(lines) <= 2);
    await untilResult(
      () => queue.ledger.counts(),
      ({ waiting, running }) => waiting + running === 0,
    );
    t.deepEqual(await queue.ledger.counts(), NOTHING);
  });
}

test('a body of 256 KiB is accepted, and one byte more gets 413 and is not stored', async (t) => {
  const site = await backgroundSite(t);
  const room = await configureSqlite(t);
  const { url } = await startEdge(t, { site: site.folder, env: { ...room.env, JOB_CONCURRENCY: '0' } });
  await sendUntilTaken(url, 'first');
  const limit = 256 * 1024;

  const statuses = [];
  for (const length of [limit, limit + 1]) {
    statuses.push((await send(url, new Uint8Array(length))).status);
    statuses.push((await fetch(url + WORK, { method: 'PUT', body: inChunks(length), duplex: 'half' })).status);
  }

  t.deepEqual(statuses, [202, 202, 413, 413]);
  const { queue } = await room.open();
  t.is((await queue.ledger.counts()).waiting, 3);
});

test('a scheduled function has a URL only in development', async (t) => {
  const site = await backgroundSite(t, { scheduled: true });
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end('HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nhop');
  });
  const path = '/.netlify/functions/tick';

  const { url } = await startEdge(t, { site: site.folder, env: { NEXT_HOP: hop.url, STORE_FSYNC: '0' } });
  t.is(await (await fetch(url + path, { method: 'POST' })).text(), 'hop');
  t.deepEqual(await site.ledger(), []);

  const dev = await startEdge(t, { site: site.folder, env: { DEV: '1', STORE_FSYNC: '0' } });
  t.is((await fetch(dev.url + path)).status, 200);
  // Its schedule may have run it, too.
  t.true((await site.ledger()).length >= 1);
});

test('two modules on one Redis run a missed time of a schedule once', async (t) => {
  const site = await backgroundSite(t, { scheduled: true });
  const { env, open } = await configureRedis(t);
  const { queue } = await open();
  const minute = 60_000;
  const atMs = Math.floor(Date.now() / minute - 5) * minute;
  const payload = new Uint8Array();
  t.is(await queue.tick({ rule: 'netlify/tick', schedule: '* * * * *', atMs, payload }), 'first');

  const modules = [];
  for (let count = 0; count < 2; count++) {
    modules.push(await startEdge(t, { site: site.folder, env }));
  }
  // The times that the modules stored earlier precede those that they store now.
  for (const { url } of modules) await sendUntilTaken(url, 'work');
  const lines = await site.untilLedger((all) => ended(all).length === 2 && all.some(({ text }) => text !== 'work'));

  const runs = lines.filter(({ text }) => text !== 'work').map(({ text }) => Date.parse(text) / minute);
  t.log(`${runs.length} run`);
  t.is(new Set(runs).size, runs.length);
  // One more, if a minute has begun meanwhile.
  t.true(runs.length <= 2);
});

function ended(lines: readonly LedgerLine[]): readonly string[] {
  return lines.filter(({ event }) => event === 'ends').map(({ text }) => text);
}

function lastBegin(lines: readonly LedgerLine[]): number {
  return lines.findLast(({ event }) => event === 'begins')?.atMs ?? Number.NaN;
}

/** On a busy machine storing the failure may take longer than the throw. */
function isAbout(expectedMs: number, ms: number): boolean {
  return ms >= expectedMs && ms < expectedMs + 5000;
}

function mostAtOnce(lines: readonly LedgerLine[]): number {
  let [now, most] = [0, 0];
  for (const { event } of lines) {
    if (event === 'begins') most = Math.max(most, ++now);
    else if (event === 'ends') now--;
  }
  return most;
}

/** A body without Content-Length. */
function inChunks(length: number): ReadableStream<Uint8Array> {
  return new Response(new Uint8Array(length)).body ?? new ReadableStream();
}
