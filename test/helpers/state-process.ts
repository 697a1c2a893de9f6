import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { until } from './until.ts';

const OPEN = new URL('../../src/stores/sqlite/open.ts', import.meta.url).href;

export interface StateProcessSetup {
  readonly dataDir: string;
  /** What runs the process, e.g. in a namespace of its own: a program and its arguments, in front of node's. */
  readonly under?: readonly string[];
  /** Module that has `openSqliteStore`. Default: that of the source. */
  readonly module?: string;
}

/** A process of its own with a store. */
export interface StateProcess {
  readonly child: ChildProcess;
  /** What the script said so far by `say(value)`. */
  readonly said: readonly unknown[];
  /** Resolves with what was said as soon as there are so many. */
  heard(count: number): Promise<readonly unknown[]>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/**
 * Runs a script that finds an embedded store in `store`, `job()` for one that is due, `say(value)` to tell the test, and `outcome(promise)`
 * for its value, or the code and message it rejects with. Ended when the test ends.
 */
export function startStateProcess(
  t: ExecutionContext,
  script: string,
  { dataDir, under = [], module = OPEN }: StateProcessSetup,
): StateProcess {
  const code = `
    import * as fs from 'node:fs';
    import { openSqliteStore } from ${JSON.stringify(module)};
    const dataDir = ${JSON.stringify(dataDir)};
    const told = (level) => (message) => say({ level, message });
    const log = { info: told('info'), warn: told('warn'), error: told('error') };
    const say = (value) => process.send(value);
    const outcome = (promise) => promise.then((value) => ({ value }), ({ code, message }) => ({ code, message }));
    const job = () => ({ rule: 'mail', payload: Buffer.from('hello'), dueAtMs: Date.now() });
    const store = openSqliteStore({ dataDir, fsync: false, log });
    process.channel.unref();
    ${script}`;
  const [program = '', ...args] = [...under, process.execPath, '--input-type=module', '--eval', code];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const said: unknown[] = [];
  let complaints = '';
  child.on('message', (value) => said.push(value));
  child.stderr?.on('data', (chunk) => {
    complaints += chunk;
  });
  // Its last words may come behind the news of its end.
  const exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(
    ([[status, signal]]) => status ?? signal,
  );
  let isOver = false;
  void exited.then(() => {
    isOver = true;
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    child,
    said,
    exited,
    heard: async (count) => {
      await until(
        () => said.length >= count || isOver,
        `${count} words of the process, which said ${JSON.stringify(said)} ${complaints}`,
      );
      if (said.length < count) throw new Error(`the process ended; it said ${JSON.stringify(said)} ${complaints}`);
      return said;
    },
  };
}
