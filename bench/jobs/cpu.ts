import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all threads of a process so far, in milliseconds. More exact than /proc/<pid>/stat with its steps of 10 ms. 0 for the pid 0. */
export function readCpuMs(pid: number): number {
  if (pid === 0) return 0;
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    // Fields: time on a CPU, time of waiting for one, number of time slices (Documentation/scheduler/sched-stats.rst).
    nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}
