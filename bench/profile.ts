import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Server } from './servers/server.ts';

const ROOT = join(import.meta.dirname, '..');
const SHOWN = 25;
const OWNERS_SHOWN = 10;
const OWNER = /^(?:dist\/[^/:]+|.*node_modules\/(?:@[^/]+\/)?[^/]+)/;
/** Node writes one for each thread: `CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile`. */
const OF_MAIN_THREAD = /\.0\.\d+\.cpuprofile$/;
// Node writes the profile only in a normal exit. Servers without a listener of their own would be ended by the signal.
const EXIT_ON_SIGTERM =
  'data:text/javascript,process.once("SIGTERM",()=>{if(process.listenerCount("SIGTERM")===0)process.exit(0)})';

/** The used part of a .cpuprofile (Profiler.Profile of the Chrome DevTools protocol). */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The same server, which writes a CPU profile into the folder when it ends. `prepare` throws if the server does not run on Node. */
export function withProfile(server: Server, folder: string): Server {
  return {
    ...server,
    prepare: async (location) => {
      const command = await server.prepare(location);
      if (command.program !== process.execPath) throw new Error('only a server that runs on Node can be profiled');
      const flags = ['--cpu-prof', '--cpu-prof-dir', folder, '--import', EXIT_ON_SIGTERM];
      return { ...command, args: [...flags, ...command.args] };
    },
  };
}

/** The packages and the functions with the highest self time, without idle time, as lines of text. */
export async function readProfile(folder: string): Promise<string[]> {
  const name = (await readdir(folder)).find((each) => OF_MAIN_THREAD.test(each));
  if (name === undefined) throw new Error('the server wrote no CPU profile');
  // Node writes this format.
  const times = sumSelfTimes(JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile);
  const busyMicros = [...times.values()].reduce((sum, micros) => sum + micros, 0);
  return [
    ...toLines(sumByOwner(times), busyMicros).slice(0, OWNERS_SHOWN),
    '',
    ...toLines(times, busyMicros).slice(0, SHOWN),
  ];
}

/** Microseconds of self time by function. */
function sumSelfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const locations = new Map(nodes.map(({ id, callFrame }) => [id, toLocation(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const location = locations.get(id) ?? '(unknown)';
    if (location !== '(idle)') times.set(location, (times.get(location) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

/** Microseconds by folder of dist, package, or Node itself. Functions without a file are native code of V8 and Node. */
function sumByOwner(times: ReadonlyMap<string, number>): Map<string, number> {
  const owners = new Map<string, number>();
  for (const [location, micros] of times) {
    const file = location.split('  ')[1] ?? '(native)';
    const owner = file.startsWith('node:') ? 'node' : (OWNER.exec(file)?.[0] ?? file);
    owners.set(owner, (owners.get(owner) ?? 0) + micros);
  }
  return owners;
}

function toLines(times: ReadonlyMap<string, number>, allMicros: number): string[] {
  const sorted = [...times].sort(([, left], [, right]) => right - left);
  return sorted.map(([name, micros]) => `${((100 * micros) / allMicros).toFixed(1).padStart(5)} %  ${name}`);
}

function toLocation({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const file = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url;
  return `${name}  ${file}:${lineNumber + 1}`;
}
