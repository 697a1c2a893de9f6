import { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';

const NO_FORK =
  'starts no process: it would be a second nexthop that runs the same jobs; this process serves all requests';

/**
 * Code of the site starts no copies of the process by `cluster.fork`. It gets a worker that never
 * comes online. Returns how to take the guard off.
 */
export function guardCluster(guard: SiteGuard): readonly (() => void)[] {
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

/** Documented, but the types have no constructor of it. */
const { Worker } = cluster as unknown as { readonly Worker: new (options: object) => object };
