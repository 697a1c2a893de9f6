import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { CHILD_ENV } from './child-env.ts';
import { PATIENCE_MS } from './patience.ts';

const CLI = new URL('../../src/cli/cli.ts', import.meta.url).pathname;

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly logDir: string;
  readonly port: number;
  /** The output so far, of stdout and stderr. */
  output(): string;
  /** The output to stdout so far. */
  stdout(): string;
  /** Resolves when the output matches. Rejects after PATIENCE_MS, or if the process ends without a match. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the signal that ended the process. */
  readonly exited: Promise<number | string>;
}

export interface ProcessSetup {
  /** Default: an empty folder. */
  readonly site?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** A program with its arguments that starts node, e.g. in another namespace. */
  readonly under?: readonly string[];
  /** Its input and output are a terminal, which gets what is written to `child.stdin`. */
  readonly hasTerminal?: boolean;
}

/** Of util-linux, which every Debian has. */
const SCRIPT = '/usr/bin/script';

/** Runs a command of nexthop in a child process, on a free port. Ended when the test ends. */
export async function runNexthop(
  t: ExecutionContext,
  { site, env = {}, args, under = [], hasTerminal = false }: ProcessSetup = {},
): Promise<RunningProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-'));
  const logDir = env.LOG_DIR ?? join(folder, 'log');
  const command = [process.execPath, CLI, ...(args ?? ['start', site ?? folder])];
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const terminal = [SCRIPT, '--quiet', '--return', '--command', quoted, '/dev/null'];
  const [program = '', ...rest] = hasTerminal ? terminal : [...under, ...command];
  const child = spawn(program, rest, {
    env: { ...CHILD_ENV, PORT: '0', HOST: '127.0.0.1', ...env, LOG_DIR: logDir },
    stdio: [hasTerminal ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let stdout = '';
  const waiting = new Set<() => void>();
  const receive = (chunk: Buffer): void => {
    text += chunk;
    for (const check of [...waiting]) check();
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
    receive(chunk);
  });
  child.stderr?.on('data', receive);
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? -1);
      receive(Buffer.alloc(0));
    });
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  });
  return {
    child,
    pid: child.pid ?? 0,
    logDir,
    get port() {
      return Number(/listens on https?:\/\/[^ ]*:(\d+)/.exec(text)?.[1]);
    },
    output: () => text,
    stdout: () => stdout,
    exited,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`waited ${PATIENCE_MS} ms for ${pattern} in the output: ${text}`));
        }, PATIENCE_MS);
        const check = (): void => {
          const match = pattern.exec(text);
          if (!match && child.exitCode === null && child.signalCode === null) return;
          clearTimeout(timer);
          waiting.delete(check);
          if (match) resolve(match);
          else reject(new Error(`the process ended without ${pattern} in its output: ${text}`));
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Starts the server and resolves when it listens. */
export async function startNexthop(t: ExecutionContext, setup: ProcessSetup = {}): Promise<RunningProcess> {
  const running = await runNexthop(t, setup);
  await running.said(/listens on https?:\/\/[^ ]*:\d+[\s\S]*logs/);
  return running;
}
