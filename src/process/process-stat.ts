import { readFileSync } from 'node:fs';

/** Facts about a process that Linux has in `/proc`. */
export interface ProcessStat {
  readonly parentId: number;
  readonly groupId: number;
}

/** Undefined if there is no such process, and on other systems. */
export function readProcessStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    // pid (name) state ppid pgrp; the name may contain spaces and brackets (proc(5)).
    const [, parent, group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { parentId: Number(parent), groupId: Number(group) };
  } catch {
    // The process has ended, or this system has no such files.
    return undefined;
  }
}
