import { readProcessStat } from './process-stat.ts';
import { replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

/** Packages such as signal-exit replace `reallyExit`, and some call it. */
const ENDS = ['exit', 'reallyExit', 'abort'] as const;

/**
 * When code of the site tries to end the process, ends the call that it runs for instead. Returns
 * functions that remove the guards.
 */
export function guardEnd(guard: SiteGuard): readonly (() => void)[] {
  const ends = ENDS.map((name) =>
    replaceMethod(process, name, (end) => (...given) => {
      const caller = guard.findSiteCaller({ neverByNode: true });
      if (!caller) return Reflect.apply(end, process, given);
      return guard.endCall(spellCall(`process.${name}`, given), caller);
    }),
  );
  const kill = replaceMethod(process, 'kill', (send) => (...given) => {
    const [pid, signal = 'SIGTERM'] = given;
    const caller = signal !== 0 && isOurs(Number(pid)) ? guard.findSiteCaller({ neverByNode: true }) : undefined;
    if (!caller) return Reflect.apply(send, process, given);
    guard.endCall(spellCall('process.kill', [pid, signal]), caller);
    return true;
  });
  return [...ends, kill, ...guardChannel(guard)];
}

/** Without its channel, a worker takes its supervisor for dead, and ends. */
function guardChannel(guard: SiteGuard): readonly (() => void)[] {
  if (!process.disconnect) return [];
  return [
    replaceMethod(process, 'disconnect', (disconnect) => (...given) => {
      const caller = guard.findSiteCaller();
      if (!caller) return Reflect.apply(disconnect, process, given);
      return guard.ignore('process.disconnect()', 'has no effect: the channel belongs to nexthop', caller);
    }),
  ];
}

/** Whether a signal to this id would reach this process, its parent, or its process group. */
function isOurs(pid: number): boolean {
  if (pid === process.pid || pid === process.ppid || pid === 0 || pid === -1) return true;
  // Elsewhere than on Linux the group usually has the id of this process or of its parent.
  return pid < 0 && -pid === readProcessStat('self')?.groupId;
}
