import { closeSync, openSync } from 'node:fs';
import { hasCode } from '../../contract/error-code.ts';
import { messageOf } from '../../contract/error-message.ts';
import { BuildError } from './build-error.ts';

type Esbuild = typeof import('esbuild');

/**
 * The calls of `withEsbuild` that run now. State of the module, because esbuild has one service
 * process for the whole Node process, and stopping it while a build runs makes that build hang.
 */
const USERS = new Set<symbol>();

/**
 * Imports esbuild and passes it to `use`. Stops esbuild's service process after the last such call:
 * it would run as long as the server, and a new start costs only about 10 ms. Rejects with what
 * `use` rejects with, or with a BuildError when esbuild is not installed or its process cannot run.
 */
export async function withEsbuild<T>(use: (esbuild: Esbuild) => Promise<T>): Promise<T> {
  const esbuild = await importEsbuild();
  const user = Symbol('user');
  USERS.add(user);
  try {
    if (USERS.size === 1) checkDescriptors();
    return await use(esbuild);
  } catch (error) {
    const reason = reasonOfService(error);
    if (reason === undefined) throw error;
    // Else esbuild keeps the service that has ended, and all builds after it fail.
    await esbuild.stop();
    throw new BuildError(`esbuild, which compiles functions, cannot be run: ${reason}`, { cause: error });
  } finally {
    USERS.delete(user);
    // No await between the check and the stop: a call that starts in between would lose the
    // service.
    if (USERS.size === 0) await esbuild.stop();
  }
}

/**
 * Keeps esbuild's service process between builds, for sites that are built again and again: its
 * start takes half of the time of a small build. Returns a function that ends this.
 */
export function keepEsbuild(): () => Promise<void> {
  const user = Symbol('user');
  USERS.add(user);
  return async () => {
    if (USERS.delete(user) && USERS.size === 0) await (await importEsbuild()).stop();
  };
}

/** Those that a child process with two pipes needs at its start. */
const DESCRIPTORS = 8;

/** Node emits a lack of descriptors also as an event of the process, for which esbuild has no listener: that would be an uncaught exception. */
function checkDescriptors(): void {
  const opened: number[] = [];
  try {
    for (let at = 0; at < DESCRIPTORS; at++) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (hasCode(error, 'EMFILE', 'ENFILE')) throw new ServiceError(messageOf(error), { cause: error });
    // There is no such file on this system.
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

class ServiceError extends Error {}

/** What esbuild and Node say about the process. */
const STOPPED = /^The service (?:was stopped|is no longer running)(?:: (.*))?/s;

/** Why the process of esbuild does not run, with the remedy; undefined for all other errors. */
function reasonOfService(error: unknown): string | undefined {
  const [isStopped, given] = STOPPED.exec(messageOf(error)) ?? [];
  if (isStopped === undefined && !(error instanceof ServiceError)) return undefined;
  const said = given ?? (isStopped === undefined ? messageOf(error) : 'its process ended');
  const remedy = REMEDIES.find(([pattern]) => pattern.test(said))?.[1] ?? REINSTALL;
  return `${said}; ${remedy}`;
}

const REINSTALL = 'install it again for this system (rm -r node_modules, npm ci), and look whether it may run there';
const REMEDIES = [
  [/EMFILE|ENFILE/, 'too many files are open: raise the limit (ulimit -n, LimitNOFILE of systemd)'],
  [
    /EAGAIN|ENOMEM/,
    'the system starts no more processes: raise the limit (ulimit -u, TasksMax of systemd, pids of the container) or its memory',
  ],
] as const;

/** Imported on demand: a server with an up-to-date build works without esbuild. */
async function importEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild');
  } catch (cause) {
    const remedy = 'install it, or run `nexthop build` on a machine that has it and copy DATA_DIR';
    throw new BuildError(`functions cannot be compiled without esbuild, which does not load: ${remedy}`, { cause });
  }
}
