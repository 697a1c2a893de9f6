import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a process so far, all its threads, in milliseconds; finer than the 10 ms of /proc/<pid>/stat. 0 for the pid 0. */
export function readCpuMs(pid: number): number {
  if (pid === 0) return 0;
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    // Time on a CPU, time of waiting for one, and turns (Documentation/scheduler/sched-stats.rst).
    nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}
