import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { type BackgroundSite, backgroundSite, send, sendUntilTaken } from './background-site.ts';
import { type RunningEdge, startEdge } from './edge.ts';

/** The contract's second, and what a busy machine may add. */
const REFUSED_WITHIN_MS = 1500;

/** Whoever waited for a store that is away would wait for 900 ms. */
const UNDISTURBED_MS = 600;

/** How often each is asked what needs no store. */
const TIMES = 10;

export interface Module {
  readonly site: BackgroundSite;
  readonly url: string;
  readonly edge: RunningEdge;
}

/** Starts a module on the store that `env` names, in front of a hop that answers everything. */
export async function startModule(t: ExecutionContext, env: Readonly<Record<string, string>>): Promise<Module> {
  const site = await backgroundSite(t);
  const edge = await startEdge(t, { site: site.folder, env: { ...env, NEXT_HOP: await answeringHop(t) } });
  return { site, url: edge.url, edge };
}

export async function answeringHop(t: ExecutionContext): Promise<string> {
  const server = createServer((_, response) => response.end('hop'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return `http://127.0.0.1:${port}`;
}

/** Asserts that what needs no store is answered as fast as ever while a request that needs one is under way, and that this is refused within a second. */
export async function assertAway(t: ExecutionContext, url: string, name: string): Promise<void> {
  const startedAtMs = performance.now();
  const refusal = send(url, name).then(async (answer) => ({ answer, tookMs: performance.now() - startedAtMs }));
  t.true((await slowest(t, `${url}/plain`, 'plain')) < UNDISTURBED_MS);
  t.true((await slowest(t, `${url}/elsewhere`, 'hop')) < UNDISTURBED_MS);
  t.is((await fetch(`${url}/.well-known/nexthop/ready`)).status, 200);

  const { answer, tookMs } = await refusal;
  t.is(answer.status, 503);
  t.regex(await answer.text(), /store_unavailable/);
  t.is(answer.headers.get('retry-after'), '1');
  t.true(tookMs < REFUSED_WITHIN_MS, `refused after ${tookMs} ms`);
}

/** Asserts that without a restart jobs are taken in again, and that all that was ever taken in is run. */
export async function assertBack(
  t: ExecutionContext,
  { site, url }: Pick<Module, 'site' | 'url'>,
  accepted: readonly string[],
): Promise<void> {
  await sendUntilTaken(url, 'after');
  const all = [...accepted, 'after'];
  const lines = await site.untilLedger((found) =>
    all.every((text) => found.some((line) => line.event === 'ends' && line.text === text)),
  );
  t.true(lines.length >= 2 * all.length);
}

async function slowest(t: ExecutionContext, url: string, expected: string): Promise<number> {
  let most = 0;
  for (let count = 0; count < TIMES; count++) {
    const startedAtMs = performance.now();
    t.is(await (await fetch(url)).text(), expected);
    most = Math.max(most, performance.now() - startedAtMs);
  }
  return most;
}
