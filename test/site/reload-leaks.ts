import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { guardHost } from '../../src/process/process-guard.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

/** A helper of 60 KB, so that a reading that stays in memory shows. */
const LARGE = Array.from(
  { length: 700 },
  (_, index) =>
    `export function f${index}(given) { return given + ${index} + 'text of ${index}, as much as a small function has'; }`,
).join('\n');

/** Starts two timers, a connection and listeners when it loads, and again in each request. */
const HOLDING = (
  text: string,
  port: number,
) => `import * as large from '../lib/large.js'; import { connect } from 'node:net';
  import { promisify } from 'node:util';
  const hold = () => { setInterval(() => ticks(), 60_000); setTimeout(() => ticks(), 3_600_000);
    connect(${port}, '127.0.0.1').on('error', () => {}); process.on('SIGWINCH', () => ticks()); };
  const ticks = () => large.f1('${text}');
  hold();
  export const onRequest = async () => { hold(); await promisify(setTimeout)(1); return new Response('${text}'); };`;

interface Served extends RunningEdge {
  /** Writes the function, and reloads. */
  reloadWith(text: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Open connections of the code of the site. */
  readonly connections: ReadonlySet<Socket>;
}

async function serve(t: ExecutionContext, toText: (text: string, port: number) => string): Promise<Served> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => {}).on('close', () => connections.delete(socket));
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number }; // a TCP server has a port
  const site = await siteFolder(t, {
    'lib/large.js': LARGE,
    'cloud-functions/a.js': toText('0', port),
    'netlify/functions/n.js':
      "import * as large from '../../lib/large.js'; export default () => new Response(large.f1('n'));",
  });
  t.teardown(guardHost({ log: SILENT, site, isSiteCode: (path) => path.includes('functions.cjs') }));
  const running = await startEdge(t, { site });
  t.teardown(() => {
    for (const socket of connections) socket.destroy();
  });
  return {
    ...running,
    connections,
    reloadWith: async (text) => {
      await writeFile(join(site, 'cloud-functions/a.js'), toText(text, port));
      t.is((await running.edge.reload()).state, 'exchanged');
    },
    read: async (path) => (await fetch(running.url + path)).text(),
  };
}

test.serial('100 reloads leave the code, timers, connections and listeners of one site', async (t) => {
  const { reloadWith, read, connections } = await serve(t, HOLDING);
  await read('/a');
  await until(() => connections.size === 2, 'both connections');
  const timers = countTimers();
  const listeners = process.listenerCount('SIGWINCH');
  const settle = async (): Promise<number> => {
    await until(() => connections.size === 2, 'the connections of older code to close');
    return usedHeapBytes();
  };

  let beforeBytes = 0;
  for (let round = 1; round <= 100; round++) {
    await reloadWith(String(round));
    t.is(await read('/a'), String(round));
    if (round === 10) beforeBytes = await settle();
  }

  const grownBytes = (await settle()) - beforeBytes;
  t.true(grownBytes < 6e6, `${grownBytes} bytes in 90 reloads`);
  t.log(`${(grownBytes / 1e6).toFixed(1)} MB in 90 reloads`);
  t.true(countTimers() <= timers + 2, `${countTimers()} timers, ${timers} at the start`);
  t.is(process.listenerCount('SIGWINCH'), listeners);
});

test.serial('timers and connections of old code work until its last request is over', async (t) => {
  const { reloadWith, read, connections } = await serve(
    t,
    (text, port) => `import { connect } from 'node:net';
      const socket = connect(${port}, '127.0.0.1');
      let ticks = 0; setInterval(() => { ticks++; }, 5);
      globalThis.leakTest ??= { arrived: Promise.withResolvers(), leave: Promise.withResolvers() };
      export const onRequest = async ({ request }) => {
        if (new URL(request.url).search !== '?wait') return new Response('${text}');
        globalThis.leakTest.arrived.resolve(); await globalThis.leakTest.leave.promise;
        const before = ticks; await new Promise((resolve) => setTimeout(resolve, 50));
        return Response.json([ticks > before, socket.readyState]); };`,
  );
  const { leakTest } = globalThis as unknown as Record<string, Record<string, PromiseWithResolvers<void>>>; // above
  const waiting = read('/a?wait');
  await leakTest?.arrived?.promise;
  await reloadWith('new');
  t.is(await read('/a'), 'new');
  t.is(connections.size, 2);

  leakTest?.leave?.resolve();

  t.is(await waiting, '[true,"open"]');
  await until(() => connections.size === 1, 'the connection of the old code to close');
});

const SILENT = { info() {}, warn() {}, error() {}, access() {}, reopen() {}, async close() {} };

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

async function usedHeapBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}
