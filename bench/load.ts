import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onCore } from './child.ts';
import { REQUEST_HEADERS } from './request-headers.ts';
import { type Scenario, UPLOAD_BYTE } from './scenarios.ts';
import { needTool } from './tool.ts';

const SCRIPT = join(import.meta.dirname, 'load.lua');

export interface Load {
  readonly scenario: Scenario;
  readonly port: number;
  readonly core: number;
  readonly connections: number;
  readonly seconds: number;
}

/** What the load saw: every request of it was answered as it must be. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly p99Ms: number;
}

/** Runs wrk. Rejects if a single request failed, by its status, its length or its connection. */
export async function runLoad(load: Load, signal: AbortSignal): Promise<LoadResult> {
  const [program, args] = onCore(load.core, { program: needTool('wrk'), args: toArguments(load) });
  const wrk = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const exit = once(wrk, 'exit');
  const [output, complaints] = await Promise.all([text(wrk.stdout), text(wrk.stderr), exit]);
  return judge(parse(output, complaints), load.scenario);
}

function toArguments({ scenario, port, connections, seconds }: Load): string[] {
  const fields = Object.entries(REQUEST_HEADERS).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  return [
    ...['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '5s'],
    ...['--script', SCRIPT, ...fields, `http://127.0.0.1:${port}${scenario.path}`],
    ...['--', scenario.method, String(scenario.uploadBytes), UPLOAD_BYTE],
  ];
}

/** What load.lua prints last. */
interface Printed {
  readonly micros: number;
  readonly requests: number;
  readonly bytes: number;
  readonly p99Micros: number;
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'timeout' | 'status', number>>;
}

function parse(output: string, complaints: string): Printed {
  const line = output.split('\n').findLast((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`wrk told nothing: ${`${output}${complaints}`.trim().slice(-400)}`);
  // The shape is load.lua's, a file beside this one.
  return JSON.parse(line) as Printed;
}

function judge({ micros, requests, bytes, p99Micros, errors }: Printed, { answer }: Scenario): LoadResult {
  const failures = Object.entries(errors).filter(([, count]) => count > 0);
  if (failures.length > 0) {
    const list = failures.map(([kind, count]) => `${count} ${kind}`).join(', ');
    throw new Error(`${requests} requests were answered, with errors: ${list}`);
  }
  if (requests === 0) throw new Error('no request was answered');
  if (bytes < requests * answer.length) throw new Error(`${bytes} bytes are too few for ${requests} answers`);
  return { seconds: micros / 1e6, requests, p99Ms: p99Micros / 1000 };
}
