import { join } from 'node:path';
import { Child } from './child.ts';
import type { Cores } from './cores.ts';
import { Folder } from './folder.ts';
import { findFreePort } from './free-port.ts';
import { runLoad } from './load.ts';
import { probe } from './probe.ts';
import { readUsage } from './process-tree.ts';
import type { Scenario } from './scenarios.ts';
import type { Server } from './servers/server.ts';

/** The parameters that all measurements of a run share. */
export interface Bench {
  readonly cores: Cores;
  readonly originPort: number;
  readonly connections: number;
  readonly seconds: number;
}

/** The result of one measurement of one server in one scenario. */
export interface Sample {
  readonly requestsPerSecond: number;
  /** CPU time of the server's process tree for one request. */
  readonly cpuMicros: number;
  readonly p99Ms: number;
  /** Peak memory of the process tree since its start. */
  readonly peakBytes: number;
}

/**
 * Starts the server, so that its heap has no data of another scenario, compares one response byte by byte, warms the server up, measures it and ends it. Rejects if a request fails,
 * also during the warm-up.
 */
export async function measure(server: Server, scenario: Scenario, bench: Bench, signal: AbortSignal): Promise<Sample> {
  const { cores, originPort, connections, seconds } = bench;
  await using folder = await Folder.create();
  const port = await findFreePort();
  const command = await server.prepare({ port, originPort, folder: folder.path, family: scenario.family });
  await using child = new Child(command, cores.server, join(folder.path, 'output.log'));
  await child.accepts(port, signal);
  await probe(scenario, port, signal);

  const load = { scenario, port, core: cores.load, connections };
  const warmUp = warmUpSeconds(seconds);
  if (warmUp > 0) await runLoad({ ...load, seconds: warmUp }, signal);
  const before = readUsage(child.pid);
  const { requests, seconds: elapsed, p99Ms } = await runLoad({ ...load, seconds }, signal);
  const after = readUsage(child.pid);

  return {
    requestsPerSecond: requests / elapsed,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / requests,
    p99Ms,
    peakBytes: after.peakBytes,
  };
}

/** Long enough for V8 to compile the hot functions. A measurement of one second only shows that the bench works: it has none. */
export function warmUpSeconds(seconds: number): number {
  return seconds === 1 ? 0 : Math.ceil(seconds / 2);
}
