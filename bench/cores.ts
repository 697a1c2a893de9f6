import { readFileSync } from 'node:fs';

/** The core of each process: the server under test has one core alone. */
export interface Cores {
  readonly server: number;
  /** For the load, the origin and the bench itself. */
  readonly load: number;
}

/** The first two cores that this process may use. Throws if there is only one. */
export function chooseCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [server, load] = expand(list);
  if (server === undefined || load === undefined) {
    throw new Error(
      `the bench needs two cores, one for the server and one for the load; it may use: ${list || 'none'}`,
    );
  }
  return { server, load };
}

/** `0-2,5` → 0, 1, 2, 5. */
function expand(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
