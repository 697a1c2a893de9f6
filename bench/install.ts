import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = import.meta.dirname;

/** Installs the peers of bench/package-lock.json, unless they are installed and the lock has not changed since. */
export function installPeers(say: (line: string) => void): void {
  if (modifiedAt('node_modules/.package-lock.json') >= modifiedAt('package-lock.json')) return;
  say('installing the peers (npm ci in bench/)');
  // No peer needs its install script.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  // The run continues with the servers that need no package and reports the others as missing.
  if (status !== 0) say('npm ci failed in bench/: the peers of npm may be missing');
}

function modifiedAt(name: string): number {
  return statSync(join(FOLDER, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
