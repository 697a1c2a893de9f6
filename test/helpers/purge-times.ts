/**
 * Measures how long a purge needs until another process holds it, and in which stage the time is spent. By hand:
 *
 *   node test/helpers/purge-times.ts redis|sqlite|refused|held [rounds] [longest cut in ms]
 *
 * `refused` and `held` cut the other process off from Redis first, by refused connections or by bytes that do not arrive, and count from the moment at which
 * it can reach Redis again. Under `nice -n -15` the processes hardly wait for other programs.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { redisUrl } from '../../src/config/redis-url.ts';
import type { CacheStore } from '../../src/contract/cache-store.ts';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import { BanTable } from '../../src/stores/ban-table.ts';
import { openRedisStore } from '../../src/stores/redis/open.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { PATIENCE_MS } from './patience.ts';
import { runRedis } from './redis-server.ts';

type Mode = 'redis' | 'sqlite' | 'refused' | 'held';

/** Times on the monotonic clock of the machine, by the name of the stage that ends then. */
type Stamps = Readonly<Record<string, number>>;

interface Round {
  readonly tookMs: number;
  /** For which the threads of all processes together waited for a processor. */
  readonly waitedMs: number;
  /** Milliseconds since the beginning. */
  readonly stages: Stamps;
}

const FILE = fileURLToPath(import.meta.url);
const [role = '', ...args] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} } as unknown as Log; // a store writes no other lines

if (role === 'receiver') receive(args[0] ?? '');
else if (role === 'relay') relay(Number(args[0]));
else await measure(role as Mode, Number(args[0] ?? 200), Number(args[1] ?? 1500));

function open(where: string): Store {
  const endpoint = where.startsWith('redis:') ? redisUrl(where) : undefined;
  return endpoint
    ? openRedisStore({ endpoint, prefix: 'times', log })
    : openSqliteStore({ dataDir: where, fsync: true, log });
}

async function measure(mode: Mode, rounds: number, longestCutMs: number): Promise<void> {
  const redis = mode === 'sqlite' ? undefined : await runRedis();
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-purges-'));
  const where = redis?.url ?? folder;
  const between = redis && mode !== 'redis' ? fork(FILE, ['relay', String(redis.port)]) : undefined;
  const port = between && ((await once(between, 'message'))[0] as number);
  const store = open(where);
  const cache = store.cache(1e8);
  const bans = new BanTable(cache);
  await cache.write('key', Buffer.from('value'), PATIENCE_MS);
  const receiver = fork(FILE, ['receiver', port ? `redis://127.0.0.1:${port}` : where]);
  receiver.on('exit', (status) => status !== null && process.exit(status));
  await once(receiver, 'message');
  const processes = [process.pid, receiver.pid ?? 0, between?.pid ?? 0, redis ? Number(await pidOf(redis)) : 0];
  const done: Round[] = [];
  try {
    for (let at = 0; at < rounds; at++) {
      const tag = `tag-${at}`;
      const held = once(receiver, 'message');
      let opened: Promise<Stamps> | undefined;
      receiver.send(tag);
      await delay(10 + Math.random() * 30);
      if (between) {
        await tell(between, mode);
        await delay(Math.random() * longestCutMs);
      }
      let waitedMs = waitsMs(processes);
      let beganAtMs = nowMs();
      const banned = bans.ban([tag]).then(nowMs);
      if (between) {
        await banned;
        waitedMs = waitsMs(processes);
        beganAtMs = nowMs();
        opened = tell(between, 'open');
      }
      const [stamps] = (await held) as [Stamps];
      const all = { ...stamps, ...(await opened), banned: await banned };
      const stages = Object.fromEntries(Object.entries(all).map(([name, atMs]) => [name, atMs - beganAtMs]));
      done.push({ tookMs: stages.held ?? 0, waitedMs: waitsMs(processes) - waitedMs, stages });
    }
    report(done);
  } finally {
    for (const child of [receiver, between]) child?.kill();
    bans.close();
    await store.close();
    await redis?.stop();
    await rm(folder, { recursive: true });
  }
}

async function pidOf(redis: { call(command: string, ...args: string[]): Promise<unknown> }): Promise<string> {
  return /process_id:(\d+)/.exec(String(await redis.call('INFO', 'server')))?.[1] ?? '0';
}

/** Resolves with what the process replies. */
async function tell(child: ChildProcess, what: string): Promise<Stamps> {
  const reply = once(child, 'message');
  child.send(what);
  return (await reply)[0] as Stamps;
}

/** How long all threads of these processes have waited for a processor (Documentation/scheduler/sched-stats.rst). */
function waitsMs(pids: readonly number[]): number {
  let waitedNs = 0;
  for (const pid of pids.filter(Boolean)) {
    for (const task of readdirSync(`/proc/${pid}/task`))
      waitedNs += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[1]);
  }
  return waitedNs / 1e6;
}

function report(rounds: readonly Round[]): void {
  const line = (name: string, toMs: (round: Round) => number): void => {
    const sorted = rounds.map(toMs).sort((left, right) => left - right);
    const part = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1);
    print(`${name}: median ${part(0.5)}, 95 % ${part(0.95)}, 99 % ${part(0.99)}, longest ${part(1)} ms`);
  };
  print(`${rounds.length} purges`);
  line('until held', ({ tookMs }) => tookMs);
  line('waits for a processor', ({ waitedMs }) => waitedMs);
  line('until held, without these waits', ({ tookMs, waitedMs }) => Math.max(0, tookMs - waitedMs));
  const calm = rounds.filter(({ waitedMs }) => waitedMs < 5);
  const longest = Math.max(0, ...calm.map(({ tookMs }) => tookMs));
  print(`rounds with less than 5 ms of waits: ${calm.length}, the longest of them ${longest.toFixed(1)} ms`);
  for (const { tookMs, waitedMs, stages } of rounds.toSorted((one, other) => other.tookMs - one.tookMs).slice(0, 8)) {
    const text = Object.entries(stages).sort(([, left], [, right]) => left - right);
    const list = text.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ');
    print(`  ${tookMs.toFixed(1)} ms, waits ${waitedMs.toFixed(1)}: ${list}`);
  }
}

/** The other process: sends the times of each purge that it is asked for. */
function receive(where: string): void {
  const store = open(where);
  const cache = store.cache(1e8);
  let stamps: Record<string, number> = {};
  let tag: string | undefined;
  const look = (): void => {
    if (tag === undefined || !bans.isBanned([tag], 0)) return;
    process.send?.({ ...stamps, held: nowMs() });
    tag = undefined;
  };
  const watched: CacheStore = Object.assign(Object.create(cache, { isHearing: { get: () => cache.isHearing } }), {
    async bans(since: number) {
      const number = Object.keys(stamps).length;
      stamps[`read ${number} sent`] = nowMs();
      try {
        return await cache.bans(since);
      } finally {
        stamps[`read ${number} done`] = nowMs();
        setImmediate(look);
      }
    },
    onBan: (...[listener, onDeaf]: Parameters<CacheStore['onBan']>) =>
      cache.onBan((news) => {
        stamps[`notice ${Object.keys(stamps).length}${news ? '' : ' without bans'}`] = nowMs();
        listener(news);
        look();
      }, onDeaf),
  });
  const bans = new BanTable(watched);
  process.on('message', (next: string) => {
    stamps = {};
    tag = next;
  });
  bans.watch();
  // Also its connection for notices is there by then.
  const waiting = setInterval(() => {
    if (!bans.isKnown) return;
    clearInterval(waiting);
    setTimeout(() => process.send?.('ready'), 1000);
  }, 50);
}

/** Between the other process and Redis. */
function relay(redisPort: number): void {
  const sockets = new Set<Socket>();
  let isHeld = false;
  let accepted: ((atMs: number) => void) | undefined;
  const server = createServer((client) => {
    accepted?.(nowMs());
    const upstream = connect(redisPort, '127.0.0.1');
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.setNoDelay();
      one.on('error', () => {});
      one.on('data', (bytes) => other.write(bytes));
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      if (isHeld) one.pause();
    }
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.(port);
    process.on('message', (what: string) => {
      if (what === 'open') {
        const openAtMs = nowMs();
        if (isHeld) {
          isHeld = false;
          for (const socket of sockets) socket.resume();
          process.send?.({ open: openAtMs });
          return;
        }
        accepted = (atMs) => {
          accepted = undefined;
          process.send?.({ open: openAtMs, accepted: atMs });
        };
        server.listen(port, '127.0.0.1');
        return;
      }
      if (what === 'held') {
        isHeld = true;
        for (const socket of sockets) socket.pause();
      } else {
        server.close();
        for (const socket of sockets) socket.destroy();
      }
      process.send?.({});
    });
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
