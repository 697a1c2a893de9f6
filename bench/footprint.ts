/**
 * Memory and start of nexthop: `npm run bench:footprint`. Resident memory when idle, under the load of the scenario `get`, and what 1,000 idle connections add;
 * the time from the start to the first answer with 100 built functions, beside that of a bare `node:http` server.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child, type Command } from './child.ts';
import { chooseCores } from './cores.ts';
import { Folder } from './folder.ts';
import { findFreePort } from './free-port.ts';
import { runLoad } from './load.ts';
import { startOrigin } from './origin.ts';
import { readResident } from './process-tree.ts';
import { SCENARIOS } from './scenarios.ts';
import { SERVERS } from './servers/all.ts';
import { nexthop, PROGRAM, prepareNexthop } from './servers/nexthop.ts';
import type { Location, Server } from './servers/server.ts';

const FUNCTIONS = 100;
const IDLE_CONNECTIONS = 1000;
const STARTS = 7;
const SETTLE_MS = 3000;
const MEGABYTE = 1024 * 1024;

const signal = new AbortController().signal;
const cores = chooseCores();
await using folder = await Folder.create();
const { port: originPort, child: origin } = await startOrigin(folder.path, cores.load, signal);
await using _origin = origin;

await withNexthop(measureIdle);
// Of a new process: the heap has no rest of the connections before.
await withNexthop(measureLoad);
await compareStarts();

async function withNexthop(measure: (pid: number, port: number) => Promise<void>): Promise<void> {
  await using home = await Folder.create();
  const port = await findFreePort();
  const command = await nexthop.prepare({ port, originPort, folder: home.path, family: 'forward' });
  await using child = new Child(command, cores.server, join(home.path, 'output.log'));
  await child.accepts(port, signal);
  await measure(child.pid, port);
}

async function measureIdle(pid: number, port: number): Promise<void> {
  await delay(SETTLE_MS);
  const idle = readResident(pid);
  say(`idle: ${toMegabytes(idle)} MB`);
  const sockets = Array.from({ length: IDLE_CONNECTIONS }, () => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => request(socket)));
  await delay(SETTLE_MS);
  const more = toMegabytes(readResident(pid) - idle);
  say(`with ${IDLE_CONNECTIONS} idle connections, each after one request: +${more} MB`);
  for (const socket of sockets) socket.destroy();
}

async function measureLoad(pid: number, port: number): Promise<void> {
  const scenario = SCENARIOS.find(({ name }) => name === 'get');
  if (!scenario) throw new Error('there is no scenario get');
  const load = runLoad({ scenario, port, core: cores.load, connections: 32, seconds: 10 }, signal);
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, readResident(pid));
  }, 100);
  await load;
  clearInterval(timer);
  say(`under the load of get: ${toMegabytes(most)} MB`);
}

async function compareStarts(): Promise<void> {
  await using home = await Folder.create();
  const site = join(home.path, 'site');
  await mkdir(join(site, 'cloud-functions'), { recursive: true });
  for (let number = 0; number < FUNCTIONS; number++) {
    const text = `export function onRequest() {\n  return new Response('function ${number}');\n}\n`;
    await writeFile(join(site, 'cloud-functions', `f${number}.js`), text);
  }
  const built = spawnSync(process.execPath, [PROGRAM, 'build', site], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`nexthop build failed: ${built.stdout}${built.stderr}`);
  const bare = SERVERS.find(({ name }) => name === 'node-http');
  if (!bare) throw new Error('there is no server node-http');
  const sites: readonly Pick<Server, 'name' | 'prepare'>[] = [
    { name: 'nexthop', prepare: async (location) => prepareNexthop(location, site) },
    { name: 'node-http', prepare: (location) => bare.prepare(location) },
  ];
  const times = new Map<string, number[]>(sites.map(({ name }) => [name, []]));
  for (let round = 0; round < STARTS; round++) {
    for (const { name, prepare } of sites) times.get(name)?.push(await timeStart(prepare, home.path));
  }
  const [own = Number.NaN, least = Number.NaN] = [...times.values()].map(median);
  const ratio = (own / least).toFixed(2);
  say(
    `start to the first answer: ${own.toFixed(0)} ms with ${FUNCTIONS} built functions, node-http ${least.toFixed(0)} ms: ${ratio} ×`,
  );
}

/** Milliseconds from the start of the process to its first answer. */
async function timeStart(prepare: (location: Location) => Promise<Command>, home: string): Promise<number> {
  const port = await findFreePort();
  const command = await prepare({ port, originPort, folder: home, family: 'function' });
  const startedAt = performance.now();
  await using _child = new Child(command, cores.server, join(home, 'output.log'));
  for (;;) {
    try {
      await request(connect(port, '127.0.0.1'), true);
      return performance.now() - startedAt;
    } catch {
      // It does not listen yet.
      await delay(2);
    }
  }
}

/** Sends a request on the connection. Resolves when a part of its response has arrived. */
async function request(socket: Socket, closes = false): Promise<void> {
  await once(socket, 'connect');
  socket.write(`GET /f7 HTTP/1.1\r\nHost: a\r\n${closes ? 'Connection: close\r\n' : ''}\r\n`);
  await once(socket, 'data');
  if (closes) socket.destroy();
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function toMegabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
