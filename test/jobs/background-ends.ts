import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { backgroundSite, type LedgerLine, sendUntilTaken } from '../helpers/background-site.ts';
import { CONFIGURED_STORES } from '../helpers/configured-store.ts';
import { type RunningProcess, startNexthop } from '../helpers/process.ts';

/** Ten times a lease, for delays of a loaded machine. */
const WITHIN_MS = 150_000;

for (const [name, prepare] of Object.entries(CONFIGURED_STORES)) {
  test(`${name}: after SIGTERM a running job has the time of the drain, and no job is started`, async (t) => {
    const site = await backgroundSite(t);
    const room = await prepare(t);
    const env = { ...room.env, JOB_CONCURRENCY: '1' };
    const running = await startNexthop(t, { site: site.folder, env });
    await sendUntilTaken(url(running), 'hold');
    await sendUntilTaken(url(running), 'later');
    await site.untilLedger((lines) => lines.length === 1);

    running.child.kill('SIGTERM');
    await running.said(/finishing running requests and jobs/);
    await site.release();

    t.is(await running.exited, 0);
    t.deepEqual(eventsOf(await site.ledger()), ['hold begins 1', 'hold ends 1']);
    const { queue } = await room.open();
    t.deepEqual(await queue.ledger.counts(), { waiting: 1, running: 0, dead: 0 });
  });

  test(`${name}: a job that outlasts the drain is aborted and given back, and runs again after the next start`, async (t) => {
    const site = await backgroundSite(t);
    const room = await prepare(t);
    const env = { ...room.env, DRAIN_TIMEOUT: '200ms' };
    const first = await startNexthop(t, { site: site.folder, env });
    await sendUntilTaken(url(first), 'hold');
    await site.untilLedger((lines) => lines.length === 1);

    first.child.kill('SIGTERM');

    t.is(await first.exited, 0);
    t.deepEqual(eventsOf(await site.ledger()), ['hold begins 1', 'hold is aborted 1']);
    const { queue } = await room.open();
    const [job] = await queue.ledger.list({ limit: 1 });
    t.like(job, { state: 'waiting', attempts: 1, failures: 0 });
    await site.release();
    await startNexthop(t, { site: site.folder, env });
    const lines = await site.untilLedger((all) => eventsOf(all).includes('hold ends 2'));
    t.is(new Set(lines.map(({ job }) => job)).size, 1);
  });

  // Takes as long as a lease, 15 seconds: only time shows that a process has ended and is not slow.
  test(`${name}: the jobs of a killed nexthop run again when their leases end`, async (t) => {
    t.timeout(300_000);
    const site = await backgroundSite(t);
    const room = await prepare(t);
    const [victim, heir] = [
      await startNexthop(t, { site: site.folder, env: room.env }),
      await startNexthop(t, { site: site.folder, env: { ...room.env, JOB_FUNCTION_CONCURRENCY: '2' } }),
    ];
    for (const text of ['hold 1', 'hold 2', 'hold 3']) await sendUntilTaken(url(victim), text);
    const begun = await site.untilLedger((lines) => lines.length === 3);
    const lost = begun.filter(({ pid }) => pid === victim.pid).map(({ text }) => text);

    victim.child.kill('SIGKILL');
    const killedAtMs = Date.now();
    await victim.exited;
    await site.release();

    const deadline = killedAtMs + WITHIN_MS;
    const isOver = (lines: readonly LedgerLine[]): boolean =>
      lost.every((text) => eventsOf(lines).includes(`${text} ends 2`));
    while (!isOver(await site.ledger()) && Date.now() < deadline) await delay(50);
    const lines = await site.ledger();
    const isHeirs = ({ pid, event, attempt }: LedgerLine): boolean =>
      pid === heir.pid && event === 'begins' && attempt === 2;
    const again = lines.filter(isHeirs);
    t.log(`${lost.length} lost, begun again after ${again.map(({ atMs }) => atMs - killedAtMs).join(', ')} ms`);
    t.true(lost.length > 0);
    t.true(isOver(lines), JSON.stringify(eventsOf(lines)));
  });
}

function url({ port }: RunningProcess): string {
  return `http://127.0.0.1:${port}`;
}

/** The events in order, each with the job's text and attempt. */
function eventsOf(lines: readonly LedgerLine[]): readonly string[] {
  return lines.map(({ text, event, attempt }) => `${text} ${event} ${attempt}`);
}
