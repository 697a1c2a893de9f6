import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type AstroSetup, astroSite } from './astro-site.ts';
import { CHILD_ENV } from './child-env.ts';
import { PATIENCE_MS } from './patience.ts';
import { type Owner, sharedByFile } from './shared-by-file.ts';

export interface EntryProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** Its output so far, of stdout and stderr. */
  output(): string;
  /** Resolves when its output matches; rejects when it ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

export interface EntrySetup {
  /** Undefined removes a default variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the root of the file system, so that no file is found by the working directory. */
  readonly cwd?: string;
  /** Arguments for Node; default: the entry of the build. */
  readonly args?: readonly string[];
}

/**
 * Starts `node dist/server/entry.mjs` of the build in `root` on a free port. Ended when the test
 * ends.
 */
export async function runEntry(t: Owner, root: string, setup: EntrySetup = {}): Promise<EntryProcess> {
  const { env = {}, cwd = '/', args = [join(root, 'dist/server/entry.mjs')] } = setup;
  const data = await mkdtemp(join(tmpdir(), 'nexthop-data-'));
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...CHILD_ENV, HOST: '127.0.0.1', PORT: '0', DATA_DIR: data, STORE_FSYNC: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const waiting = new Set<() => void>();
  const onData = (chunk: Buffer): void => {
    text += chunk;
    for (const look of [...waiting]) look();
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? -1);
      onData(Buffer.alloc(0));
    });
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(data, { recursive: true, force: true });
  });
  return {
    child,
    pid: child.pid ?? 0,
    get port() {
      return Number(/listens on https?:\/\/[^ ]*:(\d+)/.exec(text)?.[1]);
    },
    get url() {
      return /listens on (https?:\/\/\S+)/.exec(text)?.[1] ?? '';
    },
    output: () => text,
    exited,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`waited ${PATIENCE_MS} ms for ${pattern}; output: ${text}`));
        }, PATIENCE_MS);
        const look = (): void => {
          const match = pattern.exec(text);
          if (!match && child.exitCode === null && child.signalCode === null) return;
          clearTimeout(timer);
          waiting.delete(look);
          if (match) resolve(match);
          else reject(new Error(`it ended before its output matched ${pattern}; output: ${text}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Starts the build as `runEntry` does, and resolves when it listens. */
export async function startEntry(t: Owner, root: string, setup?: EntrySetup): Promise<EntryProcess> {
  const running = await runEntry(t, root, setup);
  await running.said(/listens on http\S+[\s\S]*logs/);
  return running;
}

/** The same process for all tests of a file that only send requests to it. */
export function sharedEntry(setup: AstroSetup): (t: ExecutionContext) => Promise<EntryProcess> {
  return sharedByFile(async (owner) => startEntry(owner, await astroSite(owner, setup)));
}
