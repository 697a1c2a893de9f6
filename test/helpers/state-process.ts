import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';
import { until } from './until.ts';

const OPEN = new URL('../../src/stores/sqlite/open.ts', import.meta.url).href;

export interface StateProcessSetup {
  readonly dataDir: string;
  /** A program with its arguments that starts node, e.g. in another namespace. */
  readonly under?: readonly string[];
  /** The module with `openSqliteStore`. Default: the source. */
  readonly module?: string;
}

/** A child process with a store. */
export interface StateProcess {
  readonly child: ChildProcess;
  /** The values that the script has sent so far with `say(value)`. */
  readonly values: readonly unknown[];
  /** Resolves with the values when there are at least `count`. */
  receive(count: number): Promise<readonly unknown[]>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/**
 * Runs a script. Its variables: `store` is an embedded store, `job()` returns a job that is due, `say(value)` sends a value to the test, and
 * `outcome(promise)` resolves with the value, or with the code and message of the rejection. Ended when the test ends.
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
    const record = (level) => (message) => say({ level, message });
    const log = { info: record('info'), warn: record('warn'), error: record('error') };
    const say = (value) => process.send(value);
    const outcome = (promise) => promise.then((value) => ({ value }), ({ code, message }) => ({ code, message }));
    const job = () => ({ rule: 'mail', payload: Buffer.from('hello'), dueAtMs: Date.now() });
    const store = openSqliteStore({ dataDir, fsync: false, log, callTimeoutMs: ${PATIENCE_MS} });
    process.channel.unref();
    ${script}`;
  const [program = '', ...args] = [...under, process.execPath, '--input-type=module', '--eval', code];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const values: unknown[] = [];
  let errorOutput = '';
  child.on('message', (value) => values.push(value));
  child.stderr?.on('data', (chunk) => {
    errorOutput += chunk;
  });
  // The last messages may arrive after the exit event.
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
    values,
    exited,
    receive: async (count) => {
      await until(
        () => values.length >= count || isOver,
        `${count} values of the process, which sent ${JSON.stringify(values)} ${errorOutput}`,
      );
      if (values.length < count)
        throw new Error(`the process ended after it sent ${JSON.stringify(values)} ${errorOutput}`);
      return values;
    },
  };
}
