import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { exit } from './exit.ts';

/** Marks a process that was started by `runWith`: it starts no further one, also if it is too old. */
const MARK = '--title=nexthop';

const PASSED_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * The program of the npm package `node`, beside nexthop or in the current folder; undefined if there
 * is none but this one. npm puts it first in PATH for its own scripts; a shell does not.
 */
export function findNewerNode(): string | undefined {
  if (isRunWithNewer()) return undefined;
  const folders = [
    join(import.meta.dirname, '../../node_modules'),
    join(import.meta.dirname, '../../..'),
    'node_modules',
  ];
  const programs = folders.map((folder) => join(folder, 'node/bin/node')).filter((program) => existsSync(program));
  return programs.map((program) => realpathSync(program)).find((program) => program !== process.execPath);
}

/** The command was called with a Node that is too old, and runs with another one. */
export function isRunWithNewer(): boolean {
  return process.execArgv.includes(MARK);
}

/** Runs the command by another Node, with the same terminal and the same exit code. */
export function runWith(program: string): void {
  const [, script = '', ...args] = process.argv;
  const child = spawn(program, [MARK, ...process.execArgv, script, ...args], { stdio: 'inherit' });
  for (const signal of PASSED_SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`nexthop: ${program} cannot be started: ${error.message}\n`);
    exit(1);
  });
  child.on('close', (code, signal) => exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
}
