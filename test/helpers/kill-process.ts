import type { ChildProcess } from 'node:child_process';

/**
 * Sends a signal to a process that a test has found. Throws for the id 0, which is the process group
 * of the tests themselves.
 */
export function killProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (!pid) throw new Error(`there is no process to send ${signal} to`);
  process.kill(pid, signal);
}

/** Sends a signal to the process group of a child that was started with `detached`. */
export function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (!pid) throw new Error(`the process did not start, and gets no ${signal}`);
  process.kill(-pid, signal);
}
