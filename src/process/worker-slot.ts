import type { LoadOrders } from './site-loads.ts';
import type { FromWorker } from './supervisor-link.ts';
import { type WorkerCommand, type WorkerEnd, type WorkerListener, WorkerProcess } from './worker-process.ts';

/** A restart is delayed by this time, and by twice as much after each further death. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
/** A worker that lived this long ends the sequence. */
const LONG_LIFE_MS = 60_000;
/** A worker in which Node itself has not started by then is reported. */
const SLOW_START_MS = 10_000;
/** So is each worker that does not serve after this many times as long, and again after as many times that. */
const SLOWER = 6;

export interface WorkerSlotParts {
  readonly command: WorkerCommand;
  /** A retired worker that has not ended after this time is killed. */
  readonly longestDrainMs: number;
  readonly listener: SlotListener;
  /** Default: SLOW_START_MS. */
  readonly slowStartMs?: number;
}

export interface SlotListener {
  /** Read when a worker is started. */
  readonly loadOrders: LoadOrders;
  /** A worker of the slot accepts connections now. */
  serving(worker: WorkerProcess): void;
  received(slot: WorkerSlot, worker: WorkerProcess, message: FromWorker): void;
  /** A worker does not serve yet, after this time. */
  slow(worker: WorkerProcess, afterMs: number): void;
  /** The event loop of a worker stands still. Another worker is started in its place. */
  stalled(worker: WorkerProcess): void;
  /**
   * A worker has ended. `restartMs`: the time until another one is started in its place; undefined:
   * its end was intended, or its replacement runs already.
   */
  ended(worker: WorkerProcess, end: WorkerEnd, restartMs: number | undefined): void;
}

/** Keeps one worker running: starts another one when it has died, or before it is retired. */
export class WorkerSlot implements WorkerListener {
  readonly #parts: WorkerSlotParts;
  /** The one that serves, or is the first to. */
  #current: WorkerProcess | undefined;
  /** The one that will serve in its place. */
  #next: WorkerProcess | undefined;
  /** All processes that have not ended. */
  readonly #living = new Set<WorkerProcess>();
  #deaths = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** No worker of the whole start has served yet. */
  #isFirst = false;

  constructor(parts: WorkerSlotParts) {
    this.#parts = parts;
  }

  get living(): ReadonlySet<WorkerProcess> {
    return this.#living;
  }

  /** Another worker is started in the place of the one that serves. */
  get isReplacing(): boolean {
    return this.#next !== undefined;
  }

  start({ isFirst = false }: { readonly isFirst?: boolean } = {}): void {
    this.#isFirst = isFirst;
    this.#current = this.#spawn();
  }

  /** Starts another worker, and retires the present one when the other one serves. */
  replace(): void {
    if (!this.#isStopped && !this.#next && this.#current) this.#next = this.#spawn();
  }

  /** Starts no more workers. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  received(worker: WorkerProcess, message: FromWorker): void {
    if (message.kind === 'listening') this.#serve(worker);
    else this.#parts.listener.received(this, worker, message);
  }

  stalled(worker: WorkerProcess): void {
    this.#parts.listener.stalled(worker);
    if (worker === this.#current) this.replace();
  }

  ended(worker: WorkerProcess, end: WorkerEnd): void {
    this.#living.delete(worker);
    this.#parts.listener.ended(worker, end, this.#replaceEnded(worker));
  }

  #spawn(): WorkerProcess {
    const { command, listener } = this.#parts;
    const orders = { isFirst: this.#isFirst, loads: listener.loadOrders };
    const worker = new WorkerProcess(command, orders, this);
    this.#living.add(worker);
    this.#watchStart(worker, this.#parts.slowStartMs ?? SLOW_START_MS);
    return worker;
  }

  /** The reading of a large site takes longer than the start of Node: a worker that has begun is reported at the second time only. */
  #watchStart(worker: WorkerProcess, atMs: number, fromMs = 0, isFirst = true): void {
    const timer = setTimeout(() => {
      if (worker.isServing || this.#isStopped || !this.#living.has(worker)) return;
      if (!(isFirst && worker.hasBegun)) this.#parts.listener.slow(worker, atMs);
      this.#watchStart(worker, atMs * SLOWER, atMs, false);
    }, atMs - fromMs);
    timer.unref();
  }

  #serve(worker: WorkerProcess): void {
    worker.isServing = true;
    this.#isFirst = false;
    if (worker === this.#next) {
      const replaced = this.#current;
      this.#current = worker;
      this.#next = undefined;
      if (replaced) this.#retire(replaced);
    }
    this.#parts.listener.serving(worker);
  }

  #retire(worker: WorkerProcess): void {
    worker.isRetired = true;
    worker.send({ kind: 'retire' });
    setTimeout(() => {
      if (this.#living.has(worker)) worker.kill('SIGKILL');
    }, this.#parts.longestDrainMs).unref();
  }

  /** Returns the time until another worker is started in the place of one that has ended. */
  #replaceEnded(worker: WorkerProcess): number | undefined {
    if (worker === this.#next) this.#next = undefined;
    else if (worker !== this.#current) return undefined;
    else {
      this.#current = this.#next;
      this.#next = undefined;
      if (this.#current) return undefined;
    }
    if (this.#isStopped) return undefined;
    if (worker.livedMs >= LONG_LIFE_MS) this.#deaths = 0;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#deaths, LONGEST_DELAY_MS);
    this.#deaths++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#current ? this.replace() : this.start({ isFirst: this.#isFirst })), delayMs);
    return delayMs;
  }
}
