import { spawnSync } from 'node:child_process';
import { chooseCores } from './cores.ts';
import { Folder } from './folder.ts';
import { installPeers } from './install.ts';
import { describeMachine } from './machine.ts';
import { type Bench, measure, type Sample } from './measure.ts';
import { OptionError, type Options, readOptions } from './options.ts';
import { startOrigin } from './origin.ts';
import { readProfile, withProfile } from './profile.ts';
import { toMarkdown, writeResults } from './report.ts';
import { type Row, runRounds } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import { SERVERS } from './servers/all.ts';
import { needTool } from './tool.ts';

const leaving = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // `on`, not `once`: npm and the terminal may both send the signal, and the second one must not end the process during the clean-up.
  process.on(name, () => leaving.abort(new Error(`${name}: all servers are ended`)));
}
// The reader of the output may end early, e.g. `| head`. Without this listener the error would end the bench before its clean-up.
process.stdout.on('error', (error) => leaving.abort(error));
process.exitCode = await main(process.argv.slice(2), leaving.signal);

/** Resolves with the exit code: 0; 1 if a row or the whole run failed; 2 for an invalid option; 130 if it was stopped. */
async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    return await run(readOptions(argv), signal);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const reason = signal.aborted ? signal.reason : error;
    process.stderr.write(`bench: ${reason instanceof Error ? reason.message : String(reason)}${cause}\n`);
    if (signal.aborted) return 130;
    return error instanceof OptionError ? 2 : 1;
  }
}

async function run(options: Options, signal: AbortSignal): Promise<number> {
  needTool('wrk');
  needTool('nginx');
  const cores = chooseCores();
  // The bench itself must not disturb the server's core.
  spawnSync(needTool('taskset', 'util-linux'), ['-acp', String(cores.load), String(process.pid)]);
  installPeers(say);

  await using folder = await Folder.create();
  const { port: originPort, child } = await startOrigin(folder.path, cores.load, signal);
  await using _origin = child;
  const bench = { cores, originPort, connections: options.connections, seconds: options.seconds };
  // `await`, because the origin ends when this function returns.
  return options.profile ? await profile(options, bench, signal) : await compare(options, bench, signal);
}

async function compare(options: Options, bench: Bench, signal: AbortSignal): Promise<number> {
  const { rounds } = options;
  const scenarios = SCENARIOS.filter(({ name }) => options.scenarios.includes(name));
  const chosen = SERVERS.filter(({ name }) => options.servers.includes(name));
  const missing = chosen.flatMap((server) => {
    const found = server.find();
    return 'missing' in found ? [`${server.name} is missing: ${found.missing}`] : [];
  });
  for (const line of missing) say(line);

  const machine = describeMachine(bench.cores);
  const startedAt = new Date();
  const servers = chosen.filter((server) => 'version' in server.find());
  const progress = (round: number, row: Row, outcome: Sample | string) =>
    say(`${round}/${rounds}  ${toProgress(row, outcome)}`);
  const rows = await runRounds({ scenarios, servers, rounds }, bench, progress, signal);
  const markdown = toMarkdown({ options, rows, machine, missing, startedAt, endedAt: new Date() });
  say(`\n${markdown}`);
  if (options.complete) {
    for (const path of await writeResults(markdown, startedAt)) say(`written: ${path}`);
  } else {
    say('not written: only a run of all scenarios and servers is kept');
  }
  return rows.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

async function profile(options: Options, bench: Bench, signal: AbortSignal): Promise<number> {
  const servers = SERVERS.filter(({ name }) => options.servers.includes(name));
  for (const scenario of SCENARIOS.filter(({ name }) => options.scenarios.includes(name))) {
    for (const server of servers.filter(({ families }) => families.includes(scenario.family))) {
      await using folder = await Folder.create();
      const sample = await measure(withProfile(server, folder.path), scenario, bench, signal);
      say(`\n${toProgress({ scenario, server }, sample)}, slowed by the profiler`);
      for (const line of await readProfile(folder.path)) say(line);
    }
  }
  return 0;
}

function toProgress({ scenario, server }: Pick<Row, 'scenario' | 'server'>, outcome: Sample | string): string {
  const subject = `${scenario.name.padEnd(8)}  ${server.name.padEnd(19)}`;
  if (typeof outcome === 'string') return `${subject}  FAILED: ${outcome.replaceAll(/\s+/g, ' ')}`;
  const { requestsPerSecond, cpuMicros, p99Ms } = outcome;
  return `${subject}  ${String(Math.round(requestsPerSecond)).padStart(6)} req/s  ${cpuMicros.toFixed(1).padStart(7)} µs  p99 ${p99Ms.toFixed(1)} ms`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
