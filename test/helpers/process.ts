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
  /** What it wrote so far, both streams together. */
  output(): string;
  /** What it wrote to stdout so far. */
  stdout(): string;
  /** Resolves when its output matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

export interface ProcessSetup {
  /** Default: an empty folder. */
  readonly site?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What runs the command, e.g. in a namespace of its own: a program and its arguments, in front of node's. */
  readonly under?: readonly string[];
}

/** Runs a command of nexthop in a process of its own, on a free port; ended when the test ends. */
export async function runNexthop(
  t: ExecutionContext,
  { site, env = {}, args, under = [] }: ProcessSetup = {},
): Promise<RunningProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-'));
  const logDir = env.LOG_DIR ?? join(folder, 'log');
  const command = [process.execPath, CLI, ...(args ?? ['start', site ?? folder])];
  const [program = '', ...rest] = [...under, ...command];
  const child = spawn(program, rest, {
    env: { ...CHILD_ENV, PORT: '0', HOST: '127.0.0.1', ...env, LOG_DIR: logDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let stdout = '';
  const waiting = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    text += chunk;
    for (const look of [...waiting]) look();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    hear(chunk);
  });
  child.stderr.on('data', hear);
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? -1);
      hear(Buffer.alloc(0));
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
          waiting.delete(look);
          reject(new Error(`waited ${PATIENCE_MS} ms for ${pattern}; it said: ${text}`));
        }, PATIENCE_MS);
        const look = (): void => {
          const match = pattern.exec(text);
          if (!match && child.exitCode === null && child.signalCode === null) return;
          clearTimeout(timer);
          waiting.delete(look);
          if (match) resolve(match);
          else reject(new Error(`it ended without saying ${pattern}; it said: ${text}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Starts the server and resolves when it listens. */
export async function startNexthop(t: ExecutionContext, setup: ProcessSetup = {}): Promise<RunningProcess> {
  const running = await runNexthop(t, setup);
  await running.said(/listens on https?:\/\/[^ ]*:\d+[\s\S]*logs/);
  return running;
}
