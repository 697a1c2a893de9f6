import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Cores } from './cores.ts';
import { needTool } from './tool.ts';

/** The machine of the run, as lines of a Markdown list. */
export function describeMachine({ server, load }: Cores): string[] {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const gigabytes = Math.round(totalmem() / 1024 ** 3);
  // wrk -v prints its version and then an error about the missing URL.
  const wrk = /wrk (\S+)/.exec(spawnSync(needTool('wrk'), ['-v'], { encoding: 'utf8' }).stdout)?.[1] ?? 'unknown';
  return [
    `- ${model}, ${cpus().length} cores (${server} for the server, ${load} for load and origin), ${gigabytes} GB, Linux ${release()}`,
    `- Node ${process.version}, wrk ${wrk}`,
    `- load average at the start: ${loadavg()
      .map((value) => value.toFixed(2))
      .join(', ')}`,
  ];
}
