import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { listTree } from './process-tree.ts';
import { needTool } from './tool.ts';

const START_MS = 20_000;
const STOP_MS = 5000;

/** How to start a program. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the bench's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program that the bench started; disposing of it ends it with all its descendants. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #outputFile: string;
  #failure: Error | undefined;

  /** Starts it on one core; what it prints goes to the file. */
  constructor(command: Command, core: number, outputFile: string) {
    const [program, args] = onCore(core, command);
    const output = openSync(outputFile, 'a');
    this.#process = spawn(program, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    this.#outputFile = outputFile;
    this.#process.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Of the program itself: what runs before it replaces itself by it. */
  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw this.#failure ?? new Error('it could not be started');
    return pid;
  }

  get #ended(): boolean {
    return this.#failure !== undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Resolves once the port accepts connections. Rejects with the end of what the program printed. */
  async accepts(port: number, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await accepts(port))) {
      if (this.#ended) throw new Error(`it ended instead of listening: ${this.#lastWords()}`);
      if (Date.now() > deadline) throw new Error(`it does not listen after ${START_MS / 1000} s: ${this.#lastWords()}`);
      await wait(50, undefined, { signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const tree = listTree(this.pid);
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const overdue = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(overdue);
    for (const pid of tree) kill(pid);
  }

  #lastWords(): string {
    return (
      this.#failure?.message ?? (readFileSync(this.#outputFile, 'utf8').slice(-800).trim() || 'it printed nothing')
    );
  }
}

/**
 * Each of these replaces itself by the next, so that the pid stays the program's. Should the bench be killed outright, the
 * kernel ends the program (prctl(2), PR_SET_PDEATHSIG).
 */
export function onCore(core: number, { program, args, environment = {} }: Command): [string, string[]] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [
    needTool('setpriv', 'util-linux'),
    [
      ...['--pdeathsig', 'TERM', needTool('taskset', 'util-linux'), '--cpu-list', String(core)],
      ...[needTool('env', 'coreutils'), ...variables, program, ...args],
    ],
  ];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const settle = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with its parent, as it should.
  }
}
