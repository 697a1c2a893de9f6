import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { type EntryProcess, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { connectTo } from '../helpers/peer.ts';
import { untilResult } from '../helpers/until-told.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

/** More than every buffer between the two ends together. */
const MEGABYTES = 300;
/** Of 64 KiB, as the page makes them. */
const CHUNKS = MEGABYTES * 16;

interface Facts {
  readonly pulled: number;
  readonly cancelled: number;
  readonly aborted: number;
}

async function factsOf({ url }: EntryProcess): Promise<Facts> {
  return (await fetch(`${url}/api/told`)).json() as Promise<Facts>; // the page tells these
}

/** In bytes. */
async function memoryOf({ pid }: EntryProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: a reader that stops holds back the page, and a few megabytes are held for it`, async (t) => {
    const server = await startEntry(t, await astroSite(t, { major, ...OURS }));
    await factsOf(server);
    const before = await memoryOf(server);
    const peer = await connectTo(t, server.port);

    peer.write(`GET /api/stream?megabytes=${MEGABYTES} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await peer.readHead();
    peer.socket.pause();
    const stuck = await untilStill(() => factsOf(server));

    t.true(stuck.pulled < CHUNKS / 5, `${stuck.pulled} of ${CHUNKS} chunks were asked for`);
    t.true((await memoryOf(server)) - before < 40 * 1024 ** 2);
    peer.socket.removeAllListeners('data').resume();
    await untilResult(
      () => factsOf(server),
      ({ pulled }) => pulled > stuck.pulled,
    );
    t.pass();
  });

  test(`Astro ${major}: a client that leaves aborts the request's signal and cancels the body`, async (t) => {
    const server = await startEntry(t, await astroSite(t, { major, ...OURS }));
    const peer = await connectTo(t, server.port);

    peer.write(`GET /api/stream?megabytes=${MEGABYTES} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await peer.readHead();
    peer.reset();

    const facts = await untilResult(
      () => factsOf(server),
      ({ cancelled, aborted }) => cancelled > 0 && aborted > 0,
    );
    t.like(facts, { cancelled: 1, aborted: 1 });
    t.true(facts.pulled < CHUNKS);
  });

  test(`Astro ${major}: a body that fails at once is no half page with status 200, and is told`, async (t) => {
    const { url, said } = await startEntry(t, await astroSite(t, { major, ...OURS }));

    const answer = await fetch(`${url}/api/broken`);

    t.is(answer.status, 500);
    t.notRegex(await answer.text(), /first part|the rest is lost/);
    await said(/the rest is lost/);
  });

  test(`Astro ${major}: a rejection that a page leaves behind is told, and the server goes on`, async (t) => {
    const { url, said } = await startEntry(t, await astroSite(t, { major, ...OURS }));

    t.is((await fetch(`${url}/api/reject`)).status, 200);

    await said(/a rejection was not handled/);
    t.is((await fetch(`${url}/users/1`)).status, 200);
  });
}

/** Resolves with what is told when it does not change for a while. */
async function untilStill(ask: () => Promise<Facts>): Promise<Facts> {
  let told = await ask();
  for (;;) {
    await delay(300);
    const next = await ask();
    if (next.pulled === told.pulled) return next;
    told = next;
  }
}
