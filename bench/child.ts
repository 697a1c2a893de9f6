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

/** A program that the bench started. Disposing of it ends it and all its descendants. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #outputFile: string;
  #failure: Error | undefined;

  /** Starts the program on one core. Its output is appended to the file. */
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

  /** The pid of the program itself: the tools that start it replace themselves by it. */
  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw this.#failure ?? new Error('the program could not be started');
    return pid;
  }

  get #ended(): boolean {
    return this.#failure !== undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Resolves when the port accepts connections. Rejects with the end of the program's output. */
  async accepts(port: number, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await accepts(port))) {
      if (this.#ended) throw new Error(`the program ended instead of listening: ${this.#outputEnd()}`);
      if (Date.now() > deadline)
        throw new Error(`the program does not listen after ${START_MS / 1000} s: ${this.#outputEnd()}`);
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

  #outputEnd(): string {
    return this.#failure?.message ?? (readFileSync(this.#outputFile, 'utf8').slice(-800).trim() || 'it has no output');
  }
}

/**
 * The arguments that start a command on one core. Each tool replaces itself by the next one, so the pid is the program's. If the bench is killed, the kernel ends the program
 * (prctl(2), PR_SET_PDEATHSIG).
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
    // It has ended together with its parent.
  }
}
