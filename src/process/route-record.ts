import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../contract/error-code.ts';
import { CONTROL_FOLDER } from './control-socket.ts';
import { RouteBreaker, type StoppedRoute } from './route-breaker.ts';
import { toLoadedFile } from './shared-calls.ts';
import type { LoadOrders } from './site-loads.ts';

/** What a process that runs has in progress: its id and this extension. */
const EXTENSION = '.calls';
/** The deaths within the last minutes. */
const DEATHS = 'deaths.json';

/** What a process without a supervisor keeps about its calls, for the one that is started after its death. */
export interface RouteRecord {
  /** The file for the calls in progress. Its folder may be missing. */
  readonly file: string;
  readonly stopped: readonly StoppedRoute[];
  readonly loads: LoadOrders;
  /** Call it at an end that no call is to blame for. Never throws. */
  close(): void;
}

/**
 * Blames the routes that earlier processes with this `dataDir` had in progress when they died.
 * Creates nothing in a folder without such a file. Never throws: without the record no route is
 * stopped.
 */
export function openRouteRecord(dataDir: string): RouteRecord {
  const folder = join(dataDir, CONTROL_FOLDER);
  const file = join(folder, `${process.pid}${EXTENSION}`);
  const breaker = new RouteBreaker(Date.now);
  try {
    countDeaths(folder, breaker);
  } catch {
    // A folder that cannot be read or written, or a file that was cut off on a full disk.
  }
  return {
    file,
    stopped: breaker.stopped.filter(({ key }) => toLoadedFile(key) === undefined),
    loads: toLoadOrders(breaker),
    close() {
      try {
        rmSync(file, { force: true });
      } catch {
        // The folder has become read-only: the next process blames what is in the file.
      }
    },
  };
}

/** Deaths that stop the load of a file: the second one is that of a process that loaded one by one. */
const LOAD_DEATHS = 2;
/** A repaired file is loaded again at most this long after the last death. */
const LOAD_WINDOW_MS = 60_000;

function toLoadOrders({ deaths }: RouteBreaker): LoadOrders {
  const fromMs = Date.now() - LOAD_WINDOW_MS;
  const counts = new Map<string, number>();
  for (const { key, atMs } of deaths) {
    const file = toLoadedFile(key);
    if (file !== undefined && atMs > fromMs) counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  const skipped = [...counts].flatMap(([file, count]) => (count >= LOAD_DEATHS ? [file] : []));
  return { skipped, oneByOne: counts.size > 0 };
}

function countDeaths(folder: string, breaker: RouteBreaker): void {
  const names = readdirSync(folder);
  const path = join(folder, DEATHS);
  if (names.includes(DEATHS)) {
    const known: RouteBreaker['deaths'] = JSON.parse(readFileSync(path, 'utf8'));
    for (const { key, atMs } of known) breaker.blame([key], atMs);
  }
  const dead = names.filter((name) => name.endsWith(EXTENSION) && !isRunning(Number.parseInt(name, 10)));
  for (const name of dead) {
    const left = join(folder, name);
    const keys: readonly string[] = JSON.parse(readFileSync(left, 'utf8') || '[]');
    rmSync(left);
    breaker.blame(keys);
  }
  if (dead.length > 0) writeFileSync(path, JSON.stringify(breaker.deaths));
}

/** In a container this process has the id of the one that died. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
