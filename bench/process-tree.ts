import { readdirSync, readFileSync } from 'node:fs';

// USER_HZ, the unit of times in /proc/<pid>/stat, is 100 on every Linux that Node runs on.
const MICROS_PER_TICK = 10_000;

/** The resources that a process and all its descendants have used so far. */
export interface Usage {
  /** User and system time; in steps of 10 ms. */
  readonly cpuMicros: number;
  /** Sum of the peaks of all processes. Shared pages count once for each process. */
  readonly peakBytes: number;
}

/** Reads the usage of a process tree by the pid of its root. A process that has ended counts as 0. */
export function readUsage(root: number): Usage {
  let cpuMicros = 0;
  let peakBytes = 0;
  for (const pid of listTree(root)) {
    cpuMicros += readStat(pid)?.cpuMicros ?? 0;
    peakBytes += readStatus(pid, 'VmHWM');
  }
  return { cpuMicros, peakBytes };
}

/** The root's pid and those of all its descendants. */
export function listTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat) parents.set(pid, stat.parent);
  }
  const tree = [root];
  // The list grows during the loop, until the children of all its members are in it.
  for (const member of tree) {
    for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  }
  return tree;
}

function readStat(pid: number): { parent: number; cpuMicros: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the name in parentheses, which may contain spaces and parentheses (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpuMicros: (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK };
}

/** Resident memory of the process tree now. */
export function readResident(root: number): number {
  return listTree(root).reduce((sum, pid) => sum + readStatus(pid, 'VmRSS'), 0);
}

/** A number of bytes by its name in /proc/<pid>/status. */
function readStatus(pid: number, name: string): number {
  const line = (read(`/proc/${pid}/status`) ?? '').split('\n').find((each) => each.startsWith(`${name}:`));
  return Number(/\d+/.exec(line ?? '')?.[0] ?? 0) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended after it was listed.
    return undefined;
  }
}
