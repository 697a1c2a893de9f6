import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import { CALL_TIMEOUT_MS } from '../../src/contract/store.ts';
import { type BackgroundSite, backgroundSite, send, sendUntilTaken } from './background-site.ts';
import { type RunningEdge, startEdge } from './edge.ts';
import { listen } from './listen.ts';
import { SOON_MS } from './patience.ts';

/** A request that waited for an unreachable store would take at least 900 ms. */
const UNDISTURBED_MS = 600;

/** How often a request is repeated until it is faster than that. */
const TRIES = 20;

export interface Module {
  readonly site: BackgroundSite;
  readonly url: string;
  readonly edge: RunningEdge;
}

/** Starts nexthop with the store of `env` and a hop that answers every request. */
export async function startModule(t: ExecutionContext, env: Readonly<Record<string, string>>): Promise<Module> {
  const site = await backgroundSite(t);
  const edge = await startEdge(t, {
    site: site.folder,
    env: { ...env, NEXT_HOP: await answeringHop(t) },
    callTimeoutMs: CALL_TIMEOUT_MS,
  });
  return { site, url: edge.url, edge };
}

export async function answeringHop(t: ExecutionContext): Promise<string> {
  const server = createServer((_, response) => response.end('hop'));
  return listen(t, server);
}

/**
 * Asserts that a request that needs the store is refused quickly, and that other requests do not wait for the store meanwhile. On a loaded machine a
 * single request may be slow for other reasons, so it is repeated until it takes less time than a wait for the store.
 */
export async function assertAway(t: ExecutionContext, url: string, name: string): Promise<void> {
  const refused = assertRefused(t, url, name);
  await assertUndisturbed(t, `${url}/plain`, 'plain');
  await assertUndisturbed(t, `${url}/elsewhere`, 'hop');
  t.is((await fetch(`${url}/.well-known/nexthop/ready`)).status, 200);
  await refused;
}

async function assertUndisturbed(t: ExecutionContext, url: string, text: string): Promise<void> {
  let tookMs = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && tookMs >= UNDISTURBED_MS; tries++) {
    const startedAtMs = performance.now();
    t.is(await (await fetch(url)).text(), text);
    tookMs = performance.now() - startedAtMs;
  }
  t.true(tookMs < UNDISTURBED_MS, `${url} took ${tookMs} ms`);
}

async function assertRefused(t: ExecutionContext, url: string, name: string): Promise<void> {
  const startedAtMs = performance.now();
  const response = await send(url, name);
  t.is(response.status, 503);
  t.regex(await response.text(), /store_unavailable/);
  t.is(response.headers.get('retry-after'), '1');
  const tookMs = performance.now() - startedAtMs;
  t.true(tookMs < SOON_MS, `refused after ${tookMs} ms`);
}

/** Asserts that jobs are accepted again without a restart, and that all accepted jobs run. */
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
