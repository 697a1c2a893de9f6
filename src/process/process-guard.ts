import { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { syncBuiltinESMExports } from 'node:module';
import { isReported } from '../contract/exit-error.ts';
import { guardEnd } from './guard-end.ts';
import { guardExitCode } from './guard-exit-code.ts';
import { guardGlobals } from './guard-globals.ts';
import { guardListen } from './guard-listen.ts';
import { guardListeners, isolateListeners } from './guard-listeners.ts';
import { guardState } from './guard-state.ts';
import { holdSockets } from './hold-resources.ts';
import { replaceMethod } from './replace-method.ts';
import { SiteGuard, type SiteGuardParts } from './site-guard.ts';

/**
 * For a process that belongs to nexthop: nothing that code of the site does ends the process or
 * changes its listeners, its working directory or its user. Logs exceptions that nothing catches.
 * Must be called before any code of the site is loaded.
 */
export function guardProcess(parts: Omit<SiteGuardParts, 'isSiteCode'>): void {
  const guard = new SiteGuard(parts);
  // Before any listener for a signal: Node binds `process.emit` when the first one is added.
  isolateListeners(guard);
  install(guard);
  guardExitCode(guard);
  guardGlobals(guard);
  for (const origin of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(origin, (error: unknown) => {
      if (!isReported(error)) parts.log.error(UNCAUGHT[origin], { origin, error });
    });
  }
}

const UNCAUGHT = {
  uncaughtException: 'an exception was not caught',
  unhandledRejection: 'a rejection was not handled',
} as const;

/**
 * For a process that belongs to another program: the same for the code of the site, while all
 * other code is not restricted. Returns a function that removes the guard.
 */
export function guardHost(parts: Required<SiteGuardParts>): () => void {
  const guard = new SiteGuard(parts);
  const undo = install(guard);
  return () => {
    guard.release();
    for (const each of undo.toReversed()) each();
    syncBuiltinESMExports();
  };
}

function install(guard: SiteGuard): readonly (() => void)[] {
  const undo = [
    ...guardEnd(guard),
    ...guardState(guard),
    ...guardListeners(guard),
    ...guardListen(guard),
    ...guardCluster(guard),
    holdSockets(guard),
    guardUnstarted(),
  ];
  // For `import { exit } from 'node:process'`.
  syncBuiltinESMExports();
  return undo;
}

const NO_FORK =
  'starts no process: it would be a second nexthop that runs the same jobs; this process serves all requests';

/**
 * Code of the site starts no copies of the process by `cluster.fork`. It gets a worker that never
 * comes online. Returns how to take the guard off.
 */
function guardCluster(guard: SiteGuard): readonly (() => void)[] {
  // Workers of a cluster have no `fork`.
  if (!cluster.isPrimary) return [];
  let count = 0;
  return [
    replaceMethod(cluster, 'fork', (fork) => (...given) => {
      const caller = guard.findSiteCaller({ neverByNode: true });
      if (!caller) return Reflect.apply(fork, cluster, given);
      guard.ignoreInFile('cluster.fork()', NO_FORK, caller);
      return new Worker({ id: ++count, process: new ChildProcess() });
    }),
  ];
}

/**
 * `kill` of a child process that could not be started, e.g. for lack of file descriptors, does nothing. Node would send the signal to the process or the
 * process group whose number is in uninitialised memory: 0 is the group of this process. Returns how to take the guard off.
 */
function guardUnstarted(): () => void {
  return replaceMethod(ChildProcess.prototype, 'kill', (kill) => {
    return function (this: unknown, ...given) {
      const { pid } = this as ChildProcess; // it is a method of child processes
      return pid === undefined ? false : Reflect.apply(kill, this, given);
    };
  });
}

/** Documented, but the types have no constructor of it. */
const { Worker } = cluster as unknown as { readonly Worker: new (options: object) => object };
