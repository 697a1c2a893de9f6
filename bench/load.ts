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

/** The result of a load whose requests all got the expected response. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly p99Ms: number;
}

/** Runs wrk. Rejects if any request had a wrong status or length, or a connection error. */
export async function runLoad(load: Load, signal: AbortSignal): Promise<LoadResult> {
  const [program, args] = onCore(load.core, { program: needTool('wrk'), args: toArguments(load) });
  const wrk = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const exit = once(wrk, 'exit');
  const [output, errorOutput] = await Promise.all([text(wrk.stdout), text(wrk.stderr), exit]);
  return judge(parse(output, errorOutput), load.scenario);
}

function toArguments({ scenario, port, connections, seconds }: Load): string[] {
  const headers = Object.entries(REQUEST_HEADERS).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  return [
    ...['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '5s'],
    ...['--script', SCRIPT, ...headers, `http://127.0.0.1:${port}${scenario.path}`],
    ...['--', scenario.method, String(scenario.uploadBytes), UPLOAD_BYTE],
  ];
}

/** The last line of load.lua's output. */
interface Printed {
  readonly micros: number;
  readonly requests: number;
  readonly bytes: number;
  readonly p99Micros: number;
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'timeout' | 'status', number>>;
}

function parse(output: string, errorOutput: string): Printed {
  const line = output.split('\n').findLast((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`wrk printed no result: ${`${output}${errorOutput}`.trim().slice(-400)}`);
  // load.lua writes this format.
  return JSON.parse(line) as Printed;
}

function judge({ micros, requests, bytes, p99Micros, errors }: Printed, { answer }: Scenario): LoadResult {
  const failures = Object.entries(errors).filter(([, count]) => count > 0);
  if (failures.length > 0) {
    const list = failures.map(([kind, count]) => `${count} ${kind}`).join(', ');
    throw new Error(`${requests} requests were answered, with errors: ${list}`);
  }
  if (requests === 0) throw new Error('no request was answered');
  if (bytes < requests * answer.length) throw new Error(`${bytes} bytes are too few for ${requests} responses`);
  return { seconds: micros / 1e6, requests, p99Ms: p99Micros / 1000 };
}
