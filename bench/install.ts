import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = import.meta.dirname;

/** Installs the peers of bench/package-lock.json, if that was not done since the lock last changed. */
export function installPeers(say: (line: string) => void): void {
  if (modifiedAt('node_modules/.package-lock.json') >= modifiedAt('package-lock.json')) return;
  say('installing the peers (npm ci in bench/)');
  // No peer needs a script to be installed.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  // The run goes on with whoever needs no package; the others are named as missing.
  if (status !== 0) say('npm ci failed in bench/: the peers of npm may be missing');
}

function modifiedAt(name: string): number {
  return statSync(join(FOLDER, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
