import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { PATIENCE_MS } from './patience.ts';

/** How long a server may take to start. */

/** A Cluster's node also listens on its port + 10,000. */
const HIGHEST_OF_NODE = 55_000;

export interface RedisServer {
  readonly port: number;
  readonly folder: string;
  /** For the setting REDIS_URL. */
  readonly url: string;
  /** Runs a command on a connection of the test's own, as a user who may do everything. */
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts again after `kill`, on the same port and folder. */
  restart(): Promise<void>;
}

export interface RunningRedis extends RedisServer {
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisSetup {
  /** Settings of redis-server, as its command line has them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of its own configuration file, for what it rewrites itself. */
  readonly sentinel?: readonly string[];
  /** The password of the test's own connection. */
  readonly password?: string;
}

/** Starts a real redis-server on a free port of this machine, with a folder of its own, nothing saved. Both are gone when the test ends. */
export async function startRedis(t: ExecutionContext, setup: RedisSetup = {}): Promise<RedisServer> {
  const server = await runRedis(setup);
  t.teardown(() => server.stop());
  return server;
}

/** The same for whoever stops it by itself, for many tests together. */
export async function runRedis(setup: RedisSetup = {}): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-redis-'));
  let port = 0;
  let running: ChildProcess | undefined;
  // Somebody else may take the port before redis-server does.
  for (let attempt = 0; !running; attempt++) {
    port = await freePort(setup.settings?.['cluster-enabled'] === 'yes' ? HIGHEST_OF_NODE : undefined);
    running = await tryStart(folder, port, setup);
    if (!running && attempt === 5) throw new Error('redis-server does not start');
  }
  const login = setup.password === undefined ? {} : { password: setup.password };
  const admin = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, ...login });
  admin.on('error', () => {});

  const kill = async (): Promise<void> => {
    const child = running;
    running = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    call: (command, ...args) => admin.call(command, ...args),
    freeze: () => running?.kill('SIGSTOP'),
    thaw: () => running?.kill('SIGCONT'),
    kill,
    async restart() {
      running = await tryStart(folder, port, setup);
      if (!running) throw new Error('redis-server does not start again');
    },
    async stop() {
      admin.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves with undefined when the port is taken. */
async function tryStart(
  folder: string,
  port: number,
  { settings = {}, sentinel }: RedisSetup,
): Promise<ChildProcess | undefined> {
  const all: Record<string, string> = { port: String(port), bind: '127.0.0.1', dir: folder, save: '', ...settings };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  if (sentinel) {
    await writeFile(
      join(folder, 'sentinel.conf'),
      [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...sentinel, ''].join('\n'),
    );
    args.splice(0, args.length, join(folder, 'sentinel.conf'), '--sentinel');
  }
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`redis-server does not start; it said: ${said}`)), PATIENCE_MS);
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      if (said.includes('Address already in use') || said.includes('Failed listening')) resolve(undefined);
      else reject(new Error(`redis-server ended; it said: ${said}`));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
      if (!/Ready to accept connections|Sentinel ID is|DB loaded from|\+monitor/.test(said)) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      said = '';
      resolve(child);
    });
  });
}
