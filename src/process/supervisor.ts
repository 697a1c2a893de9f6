import { constants } from 'node:os';
import type { CollectedMetrics } from '../contract/metrics.ts';
import type { ErrorLevel } from './error-lines.ts';
import { describeRoute, RouteBreaker, STOPPED } from './route-breaker.ts';
import { LOAD_ALL, type LoadOrders } from './site-loads.ts';
import type { FromWorker } from './supervisor-link.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import type { WorkerCommand, WorkerEnd, WorkerProcess } from './worker-process.ts';
import { type SlotListener, WorkerSlot } from './worker-slot.ts';

export interface SupervisorParts {
  /** How many workers serve. */
  readonly count: number;
  readonly command: WorkerCommand;
  /** The longest drain of a worker. */
  readonly drainMs: number;
  readonly log: (level: ErrorLevel, message: string, fields: object) => void;
  /** Prints a line for the person who started nexthop. */
  readonly print: (line: string) => void;
  /** Called once, when the first worker serves. */
  readonly onStarted: () => void;
}

type MetricsMessage = Extract<FromWorker, { readonly kind: 'metrics' }>;

/** After its drain a worker has this time to end by itself, also if its event loop stands still. */
const LATE_MS = 850;
/** A killed process ends within this time, unless the disk hangs. */
const KILLED_MS = 100;
/** For this time after a death without a known call, workers report each call before it begins. */
const CAREFUL_MS = 5 * 60_000;

/**
 * Starts the workers, keeps them running, and ends them. Opens no port and answers no request, so
 * that nothing that happens to a request can happen to it. It loads nothing of the site and little
 * of nexthop, since its memory is the price of the workers.
 */
export class Supervisor implements SlotListener {
  readonly #parts: SupervisorParts;
  readonly #slots: readonly WorkerSlot[];
  readonly #ended = Promise.withResolvers<number>();
  readonly #printed = new Set<string>();
  /** The worker that does what only one process may do. */
  #owner: WorkerProcess | undefined;
  readonly #breaker = new RouteBreaker();
  readonly #metrics = new WorkerMetrics();
  #isCareful = false;
  #areResponsesStored = false;
  #loads = LOAD_ALL;
  #isStarted = false;
  #isStopping = false;
  /** The exit code after a stop. */
  #code = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { command, drainMs } = parts;
    const slot = () => new WorkerSlot({ command, longestDrainMs: drainMs + LATE_MS, listener: this });
    this.#slots = Array.from({ length: parts.count }, slot);
  }

  get loadOrders(): LoadOrders {
    return this.#loads;
  }

  /**
   * Starts one worker, and all others when it serves: what prevents the start is printed once.
   * Resolves with the exit code when all workers have ended, after `stop` or because the first one
   * could not start.
   */
  run(): Promise<number> {
    this.#slots[0]?.start({ isFirst: true });
    return this.#ended.promise;
  }

  /** Ends the workers by this signal; those that are late, or all if `atOnce`, are killed. `code`: if any was killed. */
  stop(signal: NodeJS.Signals, { code, atOnce }: { readonly code: number; readonly atOnce: boolean }): void {
    for (const slot of this.#slots) slot.stop();
    if (!this.#isStopping) for (const worker of this.#living()) worker.kill(signal);
    this.#isStopping = true;
    const killAll = (): void => {
      this.#code = code;
      for (const worker of this.#living()) worker.kill('SIGKILL');
      setTimeout(() => this.#ended.resolve(code), KILLED_MS);
    };
    if (atOnce) killAll();
    else setTimeout(killAll, this.#parts.drainMs + LATE_MS);
    this.#endIfAlone();
  }

  /** Each worker handles the signal once it serves. A real one would end a worker that is starting. */
  passOn(signal: NodeJS.Signals): void {
    for (const worker of this.#living()) worker.send({ kind: 'signal', signal });
  }

  /**
   * Makes one worker read the site again, and all others when it has: code that ends the process
   * while it loads leaves them as they are. The others log only what differs from its result.
   * Resolves with the results; undefined: that worker ended before.
   */
  async reload(): Promise<readonly (object | undefined)[]> {
    // Repaired files are to be loaded again.
    this.#loads = LOAD_ALL;
    const workers = [...this.#living()].filter(({ isRetired }) => !isRetired);
    const [first, ...others] = workers.toSorted((a, b) => Number(b.isServing) - Number(a.isServing));
    const outcome = await first?.reload();
    if (outcome === undefined) return first ? [undefined] : [];
    return [outcome, ...(await Promise.all(others.map((worker) => worker.reload(outcome))))];
  }

  /** Resolves with the metrics of all workers, and of those that have ended. */
  collectMetrics(): Promise<CollectedMetrics> {
    return this.#metrics.collect([...this.#living()]);
  }

  serving(worker: WorkerProcess): void {
    if (!this.#owner) this.#makeOwner(worker);
    this.#sendStopped([worker]);
    if (this.#isCareful) worker.send({ kind: 'careful', forMs: CAREFUL_MS });
    if (this.#areResponsesStored) worker.send({ kind: 'storing' });
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#parts.onStarted();
    if (!this.#isStopping) for (const slot of this.#slots.slice(1)) slot.start();
  }

  received(slot: WorkerSlot, worker: WorkerProcess, message: FromWorker): void {
    if (message.kind === 'reload') void this.reload();
    else if (message.kind === 'passed' || message.kind === 'changed' || message.kind === 'storing') {
      if (message.kind === 'storing') this.#areResponsesStored = true;
      for (const other of this.#living()) if (other !== worker) other.send(message);
    } else if (message.kind === 'counted') this.#metrics.keep(worker, message.families);
    else if (message.kind === 'metrics') void this.#answerMetrics(worker, message);
    else if (message.kind === 'full') this.#replaceFull(slot, worker, message.usedBytes);
    else if (message.kind === 'notice' && !this.#printed.has(message.line)) {
      this.#printed.add(message.line);
      this.#parts.print(message.line);
    }
  }

  /** Without this line, nothing would say why nothing is served. */
  slow({ pid, hasBegun }: WorkerProcess, afterMs: number): void {
    const { NODE_OPTIONS = '' } = this.#parts.command.env;
    const loaded = NODE_OPTIONS === '' ? 'its modules' : `what NODE_OPTIONS names (${NODE_OPTIONS})`;
    const reason = hasBegun ? SLOW_SITE : `Node has not started, maybe because of ${loaded}, or of a slow disk`;
    const message = `a worker (process ${pid}) does not serve after ${Math.round(afterMs / 1000)} seconds: ${reason}`;
    this.#parts.print(`nexthop: ${message}`);
    this.#parts.log('warn', message, { worker_pid: pid });
  }

  async #answerMetrics(worker: WorkerProcess, { call, families }: MetricsMessage): Promise<void> {
    this.#metrics.keep(worker, families);
    const collected = await this.#metrics.collect([...this.#living()], worker);
    worker.send({ kind: 'metrics', call, collected });
  }

  stalled(worker: WorkerProcess): void {
    this.#blame(worker);
  }

  ended(worker: WorkerProcess, end: WorkerEnd, restartMs: number | undefined): void {
    this.#metrics.ended(worker);
    const diedLoading = end.code !== 0 && worker.calls.loads.size > 0;
    if ((worker.isServing || diedLoading) && !this.#isStopping && end.code !== 0) this.#blame(worker);
    if (this.#owner === worker) this.#moveOwnership();
    if (!this.#isStarted && (this.#isStopping || !diedLoading)) {
      this.#code = toCode(end);
      for (const slot of this.#slots) slot.stop();
      this.#ended.resolve(this.#code);
    } else if (this.#isStopping) {
      // One that was still starting had nothing to drain.
      if (this.#code === 0 && worker.isServing) this.#code = toCode(end);
      this.#endIfAlone();
    } else if (restartMs !== undefined) {
      const fields = { worker_pid: worker.pid, ...toFields(end), lived_ms: Math.round(worker.livedMs) };
      this.#parts.log('error', 'a worker ended; another one is started', { ...fields, again_in_ms: restartMs });
    }
  }

  /** One worker at a time: while it is replaced, there is one more. */
  #replaceFull(slot: WorkerSlot, worker: WorkerProcess, usedBytes: number): void {
    if (worker.isRetired || this.#slots.some(({ isReplacing }) => isReplacing)) return;
    const { memoryLimitBytes } = this.#parts.command;
    const fields = { worker_pid: worker.pid, used_bytes: usedBytes, limit_bytes: memoryLimitBytes };
    this.#parts.log('warn', 'a worker holds more memory than WORKER_MEMORY_LIMIT; another one takes its place', fields);
    slot.replace();
  }

  /** Counts the death, or the stall, for all routes that the worker had in progress. */
  #blame(worker: WorkerProcess): void {
    if (worker.isBlamed) return;
    worker.isBlamed = true;
    const { loads, routes } = worker.calls;
    if (loads.size > 0) this.#blameLoads(loads);
    // It died so fast that no call had been reported. If it happens again, each call is.
    if (routes.size === 0 && loads.size === 0) this.#beCareful();
    const stopped = this.#breaker.blame(routes);
    for (const key of stopped) this.#parts.log('error', STOPPED, describeRoute(key));
    if (stopped.length > 0) this.#sendStopped(this.#living());
  }

  /**
   * Keeps the next workers from loading the file. If several were being loaded, the next worker
   * loads one after the other, so that its death shows which one it is.
   */
  #blameLoads(loads: ReadonlySet<string>): void {
    const [file] = loads;
    if (loads.size > 1 || file === undefined) {
      this.#loads = { ...this.#loads, oneByOne: true };
      return;
    }
    this.#loads = { ...this.#loads, skipped: [...this.#loads.skipped, file] };
    this.#parts.log('error', UNLOADABLE, { target: file });
  }

  #sendStopped(workers: Iterable<WorkerProcess>): void {
    const { stopped: routes } = this.#breaker;
    if (routes.length > 0) for (const worker of workers) worker.send({ kind: 'stopped', routes });
  }

  #beCareful(): void {
    if (this.#isCareful) return;
    this.#isCareful = true;
    for (const worker of this.#living()) worker.send({ kind: 'careful', forMs: CAREFUL_MS });
    setTimeout(() => {
      this.#isCareful = false;
    }, CAREFUL_MS).unref();
  }

  *#living(): Generator<WorkerProcess> {
    for (const slot of this.#slots) yield* slot.living;
  }

  #moveOwnership(): void {
    this.#owner = undefined;
    const next = [...this.#living()].find(({ isServing, isRetired }) => isServing && !isRetired);
    if (next) this.#makeOwner(next);
  }

  #makeOwner(worker: WorkerProcess): void {
    this.#owner = worker;
    worker.send({ kind: 'own' });
  }

  #endIfAlone(): void {
    if (this.#isStopping && [...this.#living()].length === 0) this.#ended.resolve(this.#code);
  }
}

const SLOW_SITE = 'it still reads the site, loads its code, or waits for its store';
const UNLOADABLE = 'a file ended its worker while it loaded; it is not loaded again before a reload';

function toFields({ code, signal }: WorkerEnd): object {
  return signal === null ? { exit_code: code } : { signal };
}

/** As a shell has it. */
function toCode({ code, signal }: WorkerEnd): number {
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}
