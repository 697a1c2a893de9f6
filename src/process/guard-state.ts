import { realpathSync } from 'node:fs';
import { replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

/**
 * State of the whole process, with what to use instead. Node forbids these in worker threads, too
 * (worker_threads, "Class: Worker").
 */
const SHARED: Readonly<Record<string, string>> = {
  chdir: 'all functions share the working directory; use absolute paths, for example from import.meta.dirname',
  umask: 'all functions share the mask; set the mode of each file',
  ...Object.fromEntries(
    ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'].map((name) => [
      name,
      'all functions share the user; start nexthop as another user',
    ]),
  ),
};

/**
 * Code of the site cannot change state of the whole process: the call throws. Returns functions
 * that remove the guards.
 */
export function guardState(guard: SiteGuard): readonly (() => void)[] {
  return Object.entries(SHARED).flatMap(([name, why]) => {
    // Windows has no users and groups.
    if (!(name in process)) return [];
    return replaceMethod(process, name, (change) => (...given) => {
      const caller = changesNothing(name, given) ? undefined : guard.findSiteCaller();
      if (!caller) return Reflect.apply(change, process, given);
      return guard.forbid(spellCall(`process.${name}`, given), why, caller);
    });
  });
}

function changesNothing(name: string, [first]: readonly unknown[]): boolean {
  if (name === 'umask') return first === undefined;
  return name === 'chdir' && typeof first === 'string' && isWorkingDirectory(first);
}

function isWorkingDirectory(folder: string): boolean {
  try {
    return realpathSync(folder) === realpathSync(process.cwd());
  } catch {
    // The folder does not exist, and so is not the working directory.
    return false;
  }
}
