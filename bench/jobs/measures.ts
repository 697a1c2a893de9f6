import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Child, type Command } from '../child.ts';
import type { Cores } from '../cores.ts';
import { Folder } from '../folder.ts';
import { findFreePort } from '../free-port.ts';
import { runLoad } from '../load.ts';
import type { Scenario } from '../scenarios.ts';
import { ActorProcess } from './actor-process.ts';
import { readCpuMs } from './cpu.ts';
import { type Redis, startRedis } from './redis.ts';
import type { Contestant, Location } from './system.ts';

/** The result of one measurement. Values that it does not measure are undefined. */
export interface Sample {
  readonly perSecond?: number;
  /** Of the process under test, for one job. */
  readonly cpuMicros?: number;
  /** Of Redis, for one job. */
  readonly redisMicros?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Of the process under test, per minute. */
  readonly cpuMsPerMinute?: number;
  readonly redisMsPerMinute?: number;
}

export interface JobsBench {
  readonly cores: Cores;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

export type Measure = (contestant: Contestant, bench: JobsBench) => Promise<Sample>;

const CONNECTIONS = 32;
const AT_ONCE = 64;
const CONCURRENCY = 20;
const ROOT = join(import.meta.dirname, '../..');

/** Requests of 1 KB for a background function, by wrk; BullMQ is called by a plain `node:http` server. */
export const acceptByHttp: Measure = async (contestant, bench) => {
  await using setting = await Setting.prepare(contestant, bench);
  const { cores, signal, seconds } = bench;
  const port = await findFreePort();
  await using server = new Child(await setting.server(port), cores.server, join(setting.folder, 'output.log'));
  await server.accepts(port, signal);
  const scenario = TAKE;
  const load = { scenario, port, core: cores.load, connections: CONNECTIONS };
  await runLoad({ ...load, seconds: 2 }, signal);
  const meter = new Meter(server.pid, setting.redis);
  const { requests, seconds: elapsed, p99Ms } = await runLoad({ ...load, seconds }, signal);
  return { perSecond: requests / elapsed, p99Ms, ...meter.perJob(requests) };
};

/** Pushes directly to the queue, `atOnce` at a time. */
export function acceptByQueue(atOnce: number = AT_ONCE): Measure {
  return async (contestant, bench) => {
    await using setting = await Setting.prepare(contestant, bench);
    await using actor = await setting.actor();
    await actor.send({ kind: 'push', seconds: 1, atOnce });
    const meter = new Meter(actor.pid, setting.redis);
    const { jobs, seconds } = await actor.send({ kind: 'push', seconds: bench.seconds, atOnce });
    return { perSecond: jobs / seconds, ...meter.perJob(jobs) };
  };
}

/** Jobs that are in the queue and do nothing, run by one process, 20 at a time. */
export const workOff: Measure = async (contestant, bench) => {
  await using setting = await Setting.prepare(contestant, bench);
  await using actor = await setting.actor();
  const [warmUp, count] = [2000, 3000 * bench.seconds];
  await actor.send({ kind: 'fill', count: warmUp + count });
  const redisPid = setting.redis?.child.pid ?? 0;
  const reply = await actor.send({ kind: 'run', concurrency: CONCURRENCY, warmUp, count, redisPid });
  return {
    perSecond: count / reply.seconds,
    cpuMicros: (reply.cpuMs * 1000) / count,
    ...(redisPid > 0 && { redisMicros: (reply.redisMs * 1000) / count }),
  };
};

/** Time from the start of the push to the call of the function, without other jobs. */
export function latency(inOneProcess: boolean): Measure {
  return async (contestant, bench) => {
    await using setting = await Setting.prepare(contestant, bench);
    await using worker = await setting.actor();
    await worker.send({ kind: 'work', concurrency: CONCURRENCY });
    await using other = inOneProcess ? undefined : await setting.actor(bench.cores.load);
    const pusher = other ?? worker;
    await pusher.send({ kind: 'trickle', count: 50, everyMs: 10 });
    await worker.send({ kind: 'latencies' });
    await pusher.send({ kind: 'trickle', count: 60 * bench.seconds, everyMs: 15 });
    await wait(200);
    const { latenciesMs } = await worker.send({ kind: 'latencies' });
    const sorted = latenciesMs.toSorted((left, right) => left - right);
    const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  };
}

/** A process that waits for jobs. */
export const idle: Measure = async (contestant, bench) => {
  await using setting = await Setting.prepare(contestant, bench);
  await using actor = await setting.actor();
  await actor.send({ kind: 'work', concurrency: CONCURRENCY });
  await actor.send({ kind: 'trickle', count: 20, everyMs: 10 });
  // Wait until the garbage of the start is collected.
  await wait(3000, undefined, { signal: bench.signal });
  const seconds = bench.seconds * 5;
  const meter = new Meter(actor.pid, setting.redis);
  await wait(seconds * 1000, undefined, { signal: bench.signal });
  return meter.perMinute(seconds);
};

const TAKE: Scenario = {
  name: 'take',
  title: '',
  family: 'function',
  method: 'POST',
  path: '/.netlify/functions/take-background',
  uploadBytes: 1024,
  answer: Buffer.alloc(0),
  yardstick: '',
};

/** CPU time since this object was created. */
class Meter {
  readonly #pid: number;
  readonly #redisPid: number;
  readonly #cpuMs: number;
  readonly #redisMs: number;

  constructor(pid: number, redis: Redis | undefined) {
    this.#pid = pid;
    this.#redisPid = redis?.child.pid ?? 0;
    this.#cpuMs = readCpuMs(this.#pid);
    this.#redisMs = readCpuMs(this.#redisPid);
  }

  perJob(jobs: number): Sample {
    const [cpuMs, redisMs] = this.#read();
    return { cpuMicros: (cpuMs * 1000) / jobs, ...this.#ofRedis({ redisMicros: (redisMs * 1000) / jobs }) };
  }

  perMinute(seconds: number): Sample {
    const [cpuMs, redisMs] = this.#read();
    return {
      cpuMsPerMinute: (cpuMs * 60) / seconds,
      ...this.#ofRedis({ redisMsPerMinute: (redisMs * 60) / seconds }),
    };
  }

  #ofRedis(sample: Sample): Sample {
    return this.#redisPid === 0 ? {} : sample;
  }

  #read(): [number, number] {
    return [readCpuMs(this.#pid) - this.#cpuMs, readCpuMs(this.#redisPid) - this.#redisMs];
  }
}

/** The files of one measurement: an empty folder, and a new Redis if the contestant needs one. */
class Setting implements AsyncDisposable {
  readonly redis: Redis | undefined;
  readonly #contestant: Contestant;
  readonly #folder: Folder;
  readonly #bench: JobsBench;

  private constructor(contestant: Contestant, bench: JobsBench, folder: Folder, redis: Redis | undefined) {
    this.#contestant = contestant;
    this.#bench = bench;
    this.#folder = folder;
    this.redis = redis;
  }

  static async prepare(contestant: Contestant, bench: JobsBench): Promise<Setting> {
    const folder = await Folder.create();
    const redis = contestant.onRedis ? await startRedis(folder.path, bench.cores.load, bench.signal) : undefined;
    return new Setting(contestant, bench, folder, redis);
  }

  get folder(): string {
    return this.#folder.path;
  }

  /** Starts an actor. Default core: that of the server. */
  actor(core: number = this.#bench.cores.server): Promise<ActorProcess> {
    return ActorProcess.start(this.#contestant, this.#location, core);
  }

  /** The command of a server that only stores jobs. */
  async server(port: number): Promise<Command> {
    const { redisPort, folder, fsync } = this.#location;
    if (this.#contestant.module === 'bullmq-system.js') {
      return {
        program: process.execPath,
        args: [join(ROOT, 'bench/jobs/bullmq-server.js'), String(port), String(redisPort)],
      };
    }
    const site = join(folder, 'site');
    await mkdir(join(site, 'netlify/functions'), { recursive: true });
    await writeFile(join(site, 'netlify/functions/take-background.mjs'), 'export default async () => {};\n');
    return {
      program: process.execPath,
      args: [join(ROOT, 'dist/cli/cli.js'), 'start', site],
      environment: {
        NODE_ENV: 'production',
        WORKERS: '0',
        PORT: String(port),
        LOG_DIR: join(folder, 'logs'),
        DATA_DIR: join(folder, 'state'),
        STORE_FSYNC: fsync ? '1' : '0',
        JOB_CONCURRENCY: '0',
        ...(redisPort > 0 && { REDIS_URL: `redis://127.0.0.1:${redisPort}` }),
      },
    };
  }

  get #location(): Location {
    return { redisPort: this.redis?.port ?? 0, folder: join(this.folder, 'state'), fsync: this.#contestant.fsync };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.redis?.child[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
