import { realpathSync } from 'node:fs';
import { replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

/** What Node, too, refuses in a worker thread: there is one for all (nodejs.org/api/worker_threads.html, "Class: Worker"). */
const SHARED: Readonly<Record<string, string>> = {
  chdir: 'all functions share the working directory; use whole paths, as from import.meta.dirname',
  umask: 'all functions share the mask; give files their mode',
  ...Object.fromEntries(
    ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'].map((name) => [
      name,
      'all functions share the user; start nexthop as another one',
    ]),
  ),
};

/** The site's code does not change what belongs to the whole process. Returns how to take each guard off. */
export function guardState(guard: SiteGuard): readonly (() => void)[] {
  return Object.entries(SHARED).flatMap(([name, why]) => {
    // Windows lacks some.
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
    // It is not there, which is not where we are.
    return false;
  }
}
