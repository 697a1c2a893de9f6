import { readdirSync, readFileSync } from 'node:fs';

/** The ids of the child processes of a process. */
export function childrenOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
    } catch {
      return []; // the thread ended since it was listed
    }
  });
}
