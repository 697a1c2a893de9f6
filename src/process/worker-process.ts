import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { MetricFamily } from '../contract/metrics.ts';
import { mixesLines, relayLines } from './line-relay.ts';
import type { LoadOrders } from './site-loads.ts';
import type { FromWorker, ToWorker } from './supervisor-link.ts';
import { WorkerCalls } from './worker-calls.ts';

/** How a worker is started. */
export interface WorkerCommand {
  /** Arguments for Node: its options, the file of a worker, the arguments of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The socket on which workers listen. */
  readonly listenFd: number;
  readonly memoryLimitBytes: number;
}

/** What differs from one worker to the next. */
export interface WorkerOrders {
  /** It reports on the start: the address, the site and its problems. */
  readonly isFirst: boolean;
  readonly loads: LoadOrders;
}

export interface WorkerListener {
  received(worker: WorkerProcess, message: FromWorker): void;
  /** The event loop of the worker stands still. */
  stalled(worker: WorkerProcess): void;
  ended(worker: WorkerProcess, end: WorkerEnd): void;
}

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The descriptor of the listening socket in a worker, after three for its output and its channel. */
const LISTEN_FD = 4;
const REPORT_FD = 5;
/** Its last output and reports arrive at most this long after its end, unless a process of the site holds the pipes. */
const LAST_OUTPUT_MS = 200;

/** A worker as its supervisor sees it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #startedAtMs = performance.now();
  #isEnded = false;
  #calls = 0;
  /** Requests without an answer yet, by the number of the call. */
  readonly #waiting = new Map<number, (answer: FromWorker | undefined) => void>();
  /** It accepts connections, or did before it was retired. */
  isServing = false;
  isRetired = false;
  /** Node has started, and code of nexthop runs. */
  hasBegun = false;
  /** Its routes have been blamed. */
  isBlamed = false;
  readonly calls: WorkerCalls;

  constructor(
    { args, env, listenFd, memoryLimitBytes }: WorkerCommand,
    orders: WorkerOrders,
    listener: WorkerListener,
  ) {
    const output = [1, 2].map((fd) => (mixesLines(fd) ? 'pipe' : 'inherit'));
    const stdio = ['inherit', ...output, 'ipc', listenFd, 'pipe'] as const;
    const child = spawn(process.execPath, args, { env, stdio: [...stdio] });
    // The types have no list of six.
    const reports = (child.stdio as readonly unknown[])[REPORT_FD] as Readable;
    if (child.stdout) relayLines(child.stdout, process.stdout);
    if (child.stderr) relayLines(child.stderr, process.stderr);
    this.calls = new WorkerCalls(reports, () => listener.stalled(this));
    this.#child = child;
    child.on('message', (message) => {
      if (!this.#isEnded) this.#receive(message as FromWorker, listener); // nothing else has the other end
    });
    // After a failed start there is 'error' alone.
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      for (const resolve of this.#waiting.values()) resolve(undefined);
      listener.ended(this, { code, signal });
    };
    child.on('exit', (code, signal) => {
      const late = setTimeout(end, LAST_OUTPUT_MS, code, signal);
      const streams = [reports, child.stdout, child.stderr].filter((stream) => stream !== null);
      void Promise.allSettled(streams.map((stream) => finished(stream))).then(() => {
        clearTimeout(late);
        end(code, signal);
      });
    });
    child.on('error', () => {
      if (child.pid === undefined) end(1, null);
    });
    this.send({ kind: 'setup', ...orders, listenFd: LISTEN_FD, reportFd: REPORT_FD, memoryLimitBytes });
  }

  /** 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get livedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  send(message: ToWorker): void {
    // Fails only if the worker has just ended, which is reported.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Reads the site again. Resolves with the result; undefined if the worker ends before. `logged`: the result of another worker. */
  async reload(logged?: object): Promise<object | undefined> {
    const answer = await this.#ask((call) => ({ kind: 'reload', call, ...(logged && { logged }) }));
    return answer?.kind === 'reloaded' ? answer.outcome : undefined;
  }

  /** Resolves with the metrics of the process; undefined if it ends before. */
  async collect(withStore: boolean): Promise<readonly MetricFamily[] | undefined> {
    const answer = await this.#ask((call) => ({ kind: 'collect', call, withStore }));
    return answer?.kind === 'collected' ? answer.families : undefined;
  }

  #ask(toMessage: (call: number) => ToWorker): Promise<FromWorker | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    const call = ++this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(call, resolve);
      this.send(toMessage(call));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #receive(message: FromWorker, listener: WorkerListener): void {
    if (message.kind === 'reloaded' || message.kind === 'collected') {
      this.#waiting.get(message.call)?.(message);
      this.#waiting.delete(message.call);
    } else if (message.kind === 'begun') this.hasBegun = true;
    else listener.received(this, message);
  }
}
