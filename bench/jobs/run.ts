import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { chooseCores } from '../cores.ts';
import { installPeers } from '../install.ts';
import { describeMachine } from '../machine.ts';
import { findPackage } from '../servers/npm-package.ts';
import { needTool } from '../tool.ts';
import {
  acceptByHttp,
  acceptByQueue,
  idle,
  type JobsBench,
  latency,
  type Measure,
  type Sample,
  workOff,
} from './measures.ts';
import { type Table, toMarkdown, writeJobs } from './report.ts';
import { CONTESTANTS } from './system.ts';

interface Kind extends Omit<Table, 'rows'> {
  readonly name: string;
  readonly measure: Measure;
}

const RATE = ['perSecond', 'cpuMicros', 'redisMicros'] as const;
const LATENCY = ['p50Ms', 'p99Ms'] as const;

const KINDS: readonly Kind[] = [
  {
    name: 'http',
    title: 'Accepted over HTTP',
    about:
      'POST of 1 KB for a background function, 32 connections, no job runs. nexthop writes its access log; BullMQ is called by a plain `node:http` server.',
    columns: [...RATE, 'p99Ms'],
    measure: acceptByHttp,
  },
  {
    name: 'queue',
    title: 'Accepted by the queue directly',
    about: 'Jobs of 1 KB pushed by one process, 64 at a time.',
    columns: RATE,
    measure: acceptByQueue(),
  },
  {
    name: 'single',
    title: 'One after the other',
    about: 'The same, each job after the previous one is accepted.',
    columns: RATE,
    measure: acceptByQueue(1),
  },
  {
    name: 'work',
    title: 'Run',
    about: 'Jobs of 1 KB that are in the queue and do nothing, run by one process, 20 at a time.',
    columns: RATE,
    measure: workOff,
  },
  {
    name: 'latency',
    title: 'From push to run, in one process',
    about: 'From the start of the push to the call of the function, one job every 15 ms.',
    columns: LATENCY,
    measure: latency(true),
  },
  {
    name: 'processes',
    title: 'From push to run, in another process',
    about: 'The same, from one process to another.',
    columns: LATENCY,
    measure: latency(false),
  },
  {
    name: 'idle',
    title: 'An idle worker',
    about: 'CPU time of a process that waits for jobs, and of its Redis.',
    columns: ['cpuMsPerMinute', 'redisMsPerMinute'],
    measure: idle,
  },
];

const leaving = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => leaving.abort(new Error(name)));
process.exitCode = await main(leaving.signal).catch((error: unknown) => {
  const reason = leaving.signal.aborted ? leaving.signal.reason : error;
  process.stderr.write(`bench: ${reason instanceof Error ? reason.message : String(reason)}\n`);
  return leaving.signal.aborted ? 130 : 1;
});

/** Options: `--seconds`, `--rounds`, and `--only` for a short run, which is not written to a file. Resolves with the exit code. */
async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
    },
  });
  const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
  const names = values.only?.split(',');
  const kinds = KINDS.filter(({ name }) => !names || names.includes(name));
  for (const tool of ['wrk', 'redis-server']) needTool(tool);
  const cores = chooseCores();
  // The bench itself must not disturb the core of the process under test.
  spawnSync(needTool('taskset', 'util-linux'), ['-acp', String(cores.load), String(process.pid)]);
  installPeers(say);

  const contestants = CONTESTANTS.filter(
    ({ module }) => module !== 'bullmq-system.js' || 'version' in findPackage('bullmq'),
  );
  const facts = describe({ cores, seconds, signal }, rounds);
  const tables = kinds.map((kind) => ({
    ...kind,
    rows: contestants.map((contestant) => ({ contestant, samples: [] as Sample[] })),
  }));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, measure, rows } of tables) {
      // Each round starts with another contestant.
      for (const { contestant, samples } of [...rows.slice(round - 1), ...rows.slice(0, round - 1)]) {
        signal.throwIfAborted();
        const sample = await measure(contestant, { cores, seconds, signal });
        samples.push(sample);
        say(`${round}/${rounds}  ${name.padEnd(10)} ${contestant.name.padEnd(30)} ${toLine(sample)}`);
      }
    }
  }
  facts.push(`load average at the end: ${loads()}`);
  const markdown = toMarkdown(facts, tables);
  say(`\n${markdown}`);
  if (names) say('not written: only a run of all measurements is kept');
  else say(`written: ${await writeJobs(markdown)}`);
  return 0;
}

function describe({ cores, seconds }: JobsBench, rounds: number): string[] {
  const bullmq = findPackage('bullmq');
  const redis = /v=(\S+)/.exec(spawnSync(needTool('redis-server'), ['--version'], { encoding: 'utf8' }).stdout)?.[1];
  return [
    `${new Date().toISOString()}: ${rounds} × ${seconds} s for each, after a warm-up; medians, and the spread of the first column`,
    ...describeMachine(cores).map((line) => line.replace(/^- /, '')),
    `BullMQ ${'version' in bullmq ? bullmq.version : 'missing'}, Redis ${redis ?? 'unknown'} with \`appendonly yes\`, \`appendfsync everysec\`, a new one for each measurement, on the core of the load`,
  ];
}

function toLine(sample: Sample): string {
  return Object.entries(sample)
    .map(([key, value]) => `${key} ${value.toFixed(value < 100 ? 2 : 0)}`)
    .join('  ');
}

function loads(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(', ');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
