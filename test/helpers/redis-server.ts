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

/** A node of a Cluster also listens on its port + 10,000. */
const HIGHEST_OF_NODE = 55_000;

export interface RedisServer {
  readonly port: number;
  readonly folder: string;
  /** For the setting REDIS_URL. */
  readonly url: string;
  /** Runs a command on a separate connection, as a user with all rights. */
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Sends SIGSTOP: connections stay open and get no reply. */
  freeze(): void;
  thaw(): void;
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** Starts again after `kill`, on the same port and folder. */
  restart(): Promise<void>;
}

export interface RunningRedis extends RedisServer {
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisSetup {
  /** Settings of redis-server for its command line. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of a configuration file, for settings that the server rewrites. */
  readonly sentinel?: readonly string[];
  /** The password for the test's connection. */
  readonly password?: string;
}

/** Starts a redis-server on a free port of this machine, with a new folder and without persistence. Both are removed when the test ends. */
export async function startRedis(t: ExecutionContext, setup: RedisSetup = {}): Promise<RedisServer> {
  const server = await runRedis(setup);
  t.teardown(() => server.stop());
  return server;
}

/** The same for several tests together. The caller must stop it. */
export async function runRedis(setup: RedisSetup = {}): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-redis-'));
  let port = 0;
  let running: ChildProcess | undefined;
  // Another process may take the port before redis-server does.
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

/** Resolves with undefined if the port is in use. */
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
    let output = '';
    const timer = setTimeout(() => reject(new Error(`redis-server does not start: ${output}`)), PATIENCE_MS);
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      if (output.includes('Address already in use') || output.includes('Failed listening')) resolve(undefined);
      else reject(new Error(`redis-server ended: ${output}`));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
      if (!/Ready to accept connections|Sentinel ID is|DB loaded from|\+monitor/.test(output)) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      output = '';
      resolve(child);
    });
  });
}
