import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { type EntryProcess, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { connectTo } from '../helpers/peer.ts';
import { untilResult } from '../helpers/until-result.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

/** More than all buffers between client and page hold. */
const MEGABYTES = 300;
/** The page sends chunks of 64 KiB. */
const CHUNKS = MEGABYTES * 16;

interface Facts {
  readonly pulled: number;
  readonly cancelled: number;
  readonly aborted: number;
}

async function factsOf({ url }: EntryProcess): Promise<Facts> {
  return (await fetch(`${url}/api/told`)).json() as Promise<Facts>; // the page sends these
}

/** Resident memory in bytes. */
async function memoryOf({ pid }: EntryProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: a page waits for a client that stops reading, and memory holds a few megabytes`, async (t) => {
    const server = await startEntry(t, await astroSite(t, { major, ...OURS }));
    await factsOf(server);
    const before = await memoryOf(server);
    const peer = await connectTo(t, server.port);

    peer.write(`GET /api/stream?megabytes=${MEGABYTES} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await peer.readHead();
    peer.socket.pause();
    const stuck = await untilStill(() => factsOf(server));

    t.true(stuck.pulled < CHUNKS / 5, `${stuck.pulled} of ${CHUNKS} chunks were pulled`);
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

  test(`Astro ${major}: a body that fails at once gets 500, without a part of the page, and is logged`, async (t) => {
    const { url, said } = await startEntry(t, await astroSite(t, { major, ...OURS }));

    const answer = await fetch(`${url}/api/broken`);

    t.is(answer.status, 500);
    t.notRegex(await answer.text(), /first part|the rest is lost/);
    await said(/the rest is lost/);
  });

  test(`Astro ${major}: an unhandled rejection of a page is logged, and the server continues`, async (t) => {
    const { url, said } = await startEntry(t, await astroSite(t, { major, ...OURS }));

    t.is((await fetch(`${url}/api/reject`)).status, 200);

    await said(/a rejection was not handled/);
    t.is((await fetch(`${url}/users/1`)).status, 200);
  });
}

/** Resolves with the facts when the count no longer grows. */
async function untilStill(getFacts: () => Promise<Facts>): Promise<Facts> {
  let last = await getFacts();
  for (;;) {
    await delay(300);
    const next = await getFacts();
    if (next.pulled === last.pulled) return next;
    last = next;
  }
}
