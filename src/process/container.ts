import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * How many CPUs this process may keep busy: those of its affinity, and the quota of its control
 * group (v2) and of all groups above that. With a fraction, e.g. 1.5.
 *
 * `os.availableParallelism()` alone does not do: it ignores a quota below one CPU
 * (https://github.com/nodejs/node/issues/59200), and libuv 1.49 multiplied the quota by `cpu.weight`
 * (https://github.com/libuv/libuv/issues/4740).
 *
 * `root`: the root of the file system; only tests set it.
 */
export function countCpus(root = '/'): number {
  return Math.min(countAllowed(root) ?? availableParallelism(), readQuota(root) ?? Number.POSITIVE_INFINITY);
}

/** Bytes of memory that the container, or without a limit the machine, has. */
export function readMemoryBytes(): number {
  // Node returns more than any machine has, or 0, if there is no limit.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** CPUs of the affinity; undefined if the system is not Linux. */
function countAllowed(root: string): number | undefined {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(join(root, 'proc/self/status'))) ?? [];
  if (list === undefined) return undefined;
  return list.split(',').reduce((sum, range) => {
    const [first, last = first] = range.split('-').map(Number);
    return sum + Number(last) - Number(first) + 1;
  }, 0);
}

/** The smallest quota of the groups that contain this process, in CPUs; undefined: there is none. */
function readQuota(root: string): number | undefined {
  const [, path] = /^0::(\/.*)$/m.exec(read(join(root, 'proc/self/cgroup'))) ?? [];
  if (path === undefined) return undefined;
  const quotas: number[] = [];
  for (let group = path; ; group = dirname(group)) {
    // "max 100000" or "150000 100000": microseconds in each period.
    const [quota, period] = read(join(root, 'sys/fs/cgroup', group, 'cpu.max'))
      .split(/\s/)
      .map(Number);
    if (quota && period) quotas.push(quota / period);
    if (group === '/') break;
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Another system, no control groups, or the root group, which has no quota.
    return '';
  }
}
