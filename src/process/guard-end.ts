import { readFileSync } from 'node:fs';
import { replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

/** `reallyExit` is what packages replace to hear of the end (signal-exit), and some call it. */
const ENDS = ['exit', 'reallyExit', 'abort'] as const;

/** The site's code does not end the process: the call for which it works ends instead. Returns how to take each guard off. */
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
  return [...ends, kill];
}

/** This process, the one that started it, and groups that it is in. */
function isOurs(pid: number): boolean {
  if (pid === process.pid || pid === process.ppid || pid === 0 || pid === -1) return true;
  return pid < 0 && -pid === groupId();
}

function groupId(): number | undefined {
  try {
    // pid (name) state ppid pgrp: the name may have spaces and brackets in it (proc(5)).
    const [, , group] = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(group);
  } catch {
    // Only Linux has it. Elsewhere the id of the group is mostly that of the process that leads it, which is this one or the one that started it.
    return undefined;
  }
}
