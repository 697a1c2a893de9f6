import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { childrenOf as listChildren } from './child-processes.ts';
import { killProcess } from './kill-process.ts';
import { type RunningProcess, startNexthop } from './process.ts';
import { siteFolder } from './site-folder.ts';
import { untilResult } from './until-result.ts';

/** Functions that show their worker, and that harm it. */
export const WORKER_SITE = {
  'cloud-functions/pid.js': 'export const onRequest = () => new Response(String(process.pid));',
  'cloud-functions/slow.js': `export async function onRequest() {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return new Response('done');
  }`,
  'cloud-functions/kept.js': `export const onRequest = () =>
    new Response(crypto.randomUUID(), { headers: { 'CDN-Cache-Control': 'max-age=600' } });`,
  // Stands still as a loop does, but leaves the processor to other tests.
  'cloud-functions/loop.js': `import { writeSync } from 'node:fs';
    const cell = new Int32Array(new SharedArrayBuffer(4));
    export function onRequest() {
      writeSync(2, 'a worker stands still\\n');
      for (;;) Atomics.wait(cell, 0, 0, 20);
    }`,
  'cloud-functions/leak.js': `const held = [];
    export function onRequest() {
      const more = new Array(1_000_000).fill(1.5);
      // More than WORKER_MEMORY_LIMIT, and less than V8 ends the worker at.
      if (process.memoryUsage().heapUsed < 212 * 2 ** 20) held.push(more);
      return new Response(String(process.pid));
    }`,
  'cloud-functions/bomb.js':
    'export function onRequest() { for (const held = []; ; ) held.push(new Array(100_000).fill(1.5)); }',
  'cloud-functions/crash.js': `import { execFileSync } from 'node:child_process';
    export function onRequest() { execFileSync('kill', ['-SEGV', String(process.pid)]); }`,
  'cloud-functions/patch.js': `export function onRequest() {
    JSON.stringify = () => '"patched"';
    return new Response('patched');
  }`,
  'cloud-functions/channel.js': `import cluster from 'node:cluster';
    export function onRequest() {
      process.disconnect?.();
      return Response.json({ send: typeof process.send, isPrimary: cluster.isPrimary });
    }`,
};

/** Resolves when all workers listen. `files`: of the site, besides WORKER_SITE. */
export async function serveWithWorkers(
  t: ExecutionContext,
  workers: number,
  env: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
) {
  const running = await startNexthop(t, {
    site: await siteFolder(t, { ...WORKER_SITE, ...files }),
    env: { WORKERS: String(workers), ...env },
  });
  await untilListening(running, workers);
  endWorkers(t, running);
  return running;
}

/** Ends the workers when the test ends: one that is left over would hold the pipes of the process. */
export function endWorkers(t: ExecutionContext, running: RunningProcess): void {
  t.teardown(async () => {
    for (const pid of await childrenOf(running.pid).catch(() => [])) killProcess(pid, 'SIGKILL');
  });
}

/** On a connection of its own. */
export function request({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
}

/** Resolves when the event loop of a worker stands still. */
export async function startLoop(running: RunningProcess): Promise<void> {
  fetch(`http://127.0.0.1:${running.port}/loop`).catch(() => {});
  await running.said(/a worker stands still/);
}

/** Sends requests until this many workers have answered one. Resolves with their ids. */
export async function untilAnswers(running: RunningProcess, count: number): Promise<readonly number[]> {
  const seen = new Set<number>();
  return untilResult(
    async () => [...seen.add(Number(await (await request(running, '/pid')).text()))].toSorted(),
    ({ length }) => length >= count,
  );
}

export async function untilListening(running: RunningProcess, workers: number): Promise<void> {
  const read = () => readFile(join(running.logDir, 'error.log'), 'utf8');
  await untilResult(
    read,
    (text) => (text.match(/"message":"(?:listening|another worker listens)"/g)?.length ?? 0) >= workers,
  );
}

export async function childrenOf(pid: number): Promise<readonly number[]> {
  return listChildren(pid).map(Number);
}

/** Those of these processes that have not ended. A zombie has. */
export async function livingOf(pids: readonly number[]): Promise<readonly number[]> {
  const states = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/stat`, 'utf8').then(
        (stat) => stat.slice(stat.lastIndexOf(')') + 2)[0],
        () => 'Z',
      ),
    ),
  );
  return pids.filter((_, at) => states[at] !== 'Z');
}
