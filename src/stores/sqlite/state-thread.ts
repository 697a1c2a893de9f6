import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import { CALL_TIMEOUT_MS } from '../../contract/store.ts';
import type { Answer, FromThread, ThreadSetup, ToThread } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { DiskFull } from './sqlite-failure.ts';
import type { Verbs } from './verbs.ts';

/**
 * The thread starts no verb in the last part of the time limit of its call, so that the caller usually gets its result in time.
 */
const RESERVED_MS = 200;

/** The start takes 50 ms, but longer on an overloaded machine, which is no fault of the store. */
const START_WITHIN_MS = 5000;

/** A thread that ended by itself is not restarted before this pause has passed. */
const RESTART_PAUSE_MS = 250;

/** Time limit for closing the database: a disk may hang. */
const CLOSE_WITHIN_MS = 2000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  untilMs: number;
}

interface Sending {
  readonly number: number;
  readonly verb: string;
  readonly args: readonly unknown[];
  readonly transfer: readonly ArrayBuffer[];
}

export interface StateThreadSetup extends ThreadSetup {
  readonly log: Log;
  /** Called when another process has changed the database. `news`: see `OpenContent`. */
  readonly onChange: (news: unknown) => void;
  /** Time limit of a call. Default: CALL_TIMEOUT_MS. */
  readonly callTimeoutMs?: number | undefined;
  readonly observer?: StoreObserver | undefined;
  /** Code of the thread; only tests set it. */
  readonly entry?: URL;
}

/**
 * The thread that uses a database, by default that of the state. It is started at the first call, and again after it died. It keeps the process alive only while a call is in flight.
 *
 * A call rejects with `store_unavailable` when its time limit is over, which starts when it is sent to a running thread. Usually the verb was not started by then and
 * never will be. But if the commit took too long, the verb may have taken effect: a job may be stored although its push was rejected, and a claim that did not reach its
 * caller ends with its lease. While the thread owes such an answer, further calls are rejected at once.
 */
export class StateThread<V extends { readonly [Name in keyof V]: (...args: never[]) => unknown } = Verbs> {
  readonly #setup: StateThreadSetup;
  readonly #callTimeoutMs: number;
  #worker: Worker | undefined;
  #diedAtMs = Number.NEGATIVE_INFINITY;
  #isWatching = false;
  #isClosed = false;
  #lastNumber = 0;
  /** In the order of the calls, so the first one times out first. */
  readonly #waiting = new Map<number, Waiting>();
  /** Calls that were made before the thread runs; undefined while it runs. */
  #starting: Sending[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  /**
   * A call has timed out, and the thread has sent nothing since. Further calls would only queue up
   * in it.
   */
  #isSilent = false;
  readonly #trouble = new Trouble();

  constructor(setup: StateThreadSetup) {
    this.#setup = setup;
    this.#callTimeoutMs = setup.callTimeoutMs ?? CALL_TIMEOUT_MS;
  }

  /** Runs a verb in the thread. `transfer`: buffers in `args` that are moved instead of copied. */
  call<Name extends string & keyof V>(
    verb: Name,
    args: Parameters<V[Name]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<V[Name]>> {
    const work = (): Promise<ReturnType<V[Name]>> =>
      new Promise((resolve, reject) => {
        const worker = this.#start();
        if (this.#isSilent) throw this.#noAnswer();
        const timeoutMs = this.#starting ? Math.max(START_WITHIN_MS, this.#callTimeoutMs) : this.#callTimeoutMs;
        const sending = { number: ++this.#lastNumber, verb, args, transfer };
        if (this.#starting) this.#starting.push(sending);
        else this.#post(worker, sending);
        // The thread answers a verb with what the verb returns.
        const untilMs = monotonicMs() + timeoutMs;
        this.#waiting.set(sending.number, { resolve: resolve as Waiting['resolve'], reject, untilMs });
        worker.ref();
        this.#timer ??= setTimeout(() => this.#timeOut(), timeoutMs);
      });
    return this.#setup.observer ? this.#setup.observer.observe('sqlite', verb, work) : work();
  }

  /** Starts to call `onChange`. */
  watch(): void {
    if (this.#isWatching || this.#isClosed) return;
    this.#isWatching = true;
    try {
      // A new thread watches from its start.
      if (this.#worker) this.#worker.postMessage({ kind: 'watch' } satisfies ToThread);
      else this.#start();
    } catch (error) {
      // The watch begins when a later call starts the thread.
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** Resolves when the database is closed. Calls that were made earlier are answered first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (!worker) return;
    if (this.#starting) this.#run(worker);
    // Messages keep their order, so earlier calls are done first.
    worker.postMessage({ kind: 'close' } satisfies ToThread);
    worker.ref();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        void worker.terminate();
        worker.unref();
        resolve();
      }, CLOSE_WITHIN_MS);
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Throws a Fault if no thread can be started at the moment. */
  #start(): Worker {
    if (this.#isClosed) throw new Fault('store_unavailable', { message: `${this.#setup.file} is closed` });
    if (this.#worker) return this.#worker;
    if (monotonicMs() < this.#diedAtMs + RESTART_PAUSE_MS) {
      throw new Fault('store_unavailable', { message: `the thread of ${this.#setup.file} has just died` });
    }
    const {
      file,
      fsync,
      cacheBytes,
      entry = new URL(`./thread-entry${extname(import.meta.url)}`, import.meta.url),
    } = this.#setup;
    const worker = new Worker(entry, {
      name: 'nexthop state',
      workerData: { file, fsync, cacheBytes } satisfies ThreadSetup,
      // Node's options of the process do not apply to this thread: preloaded modules, the
      // inspector's port.
      execArgv: [],
    });
    this.#worker = worker;
    this.#starting = [];
    worker.on('message', (message: FromThread) => this.#receive(worker, message));
    worker.on('error', (cause) => this.#dismiss(worker, `the thread of ${file} died`, cause));
    worker.on('exit', () => this.#dismiss(worker, `the thread of ${file} ended`, undefined));
    worker.unref();
    if (this.#isWatching) worker.postMessage({ kind: 'watch' } satisfies ToThread);
    return worker;
  }

  #post(worker: Worker, { number, verb, args, transfer }: Sending): void {
    const call = { number, verb, args, startUntilMs: monotonicMs() + this.#callTimeoutMs - RESERVED_MS };
    worker.postMessage({ kind: 'call', call } satisfies ToThread, transfer);
  }

  /** The thread runs now: sends the calls that waited for it, and starts their time limits. */
  #run(worker: Worker): void {
    const held = this.#starting ?? [];
    this.#starting = undefined;
    for (const sending of held) {
      const waiting = this.#waiting.get(sending.number);
      if (!waiting) continue;
      waiting.untilMs = monotonicMs() + this.#callTimeoutMs;
      this.#post(worker, sending);
    }
    if (this.#waiting.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#timeOut(), this.#callTimeoutMs);
  }

  #receive(worker: Worker, message: FromThread): void {
    this.#isSilent = false;
    if (message.kind === 'running') this.#run(worker);
    else if (message.kind === 'changed') this.#setup.onChange(message.news);
    else if (message.kind === 'warning') this.#setup.log.warn(message.message);
    else for (const answer of message.answers) this.#settle(answer);
  }

  /**
   * Settles the call. An answer to a call that has timed out is dropped; see the class for what
   * that means.
   */
  #settle(answer: Answer): void {
    const waiting = this.#take(answer.number);
    if (!waiting) return;
    if (answer.kind === 'value') {
      if (this.#trouble.isOver()) this.#setup.log.info(`${this.#setup.file} can be used again`);
      waiting.resolve(answer.value);
    } else if (answer.kind === 'unavailable') {
      const { message, cause, isFull } = answer;
      waiting.reject(this.#toFault(message, isFull ? new DiskFull(message, { cause }) : cause));
    } else {
      waiting.reject(new Error('the store refused an invalid call', { cause: answer.cause }));
    }
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) this.#release();
    return waiting;
  }

  /** No call is in flight: the thread no longer keeps the process alive. */
  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#worker?.unref();
  }

  /** Rejects the calls that have timed out. Timers run before messages: if this thread was busy, the answers that have arrived are processed first. */
  #timeOut(): void {
    setImmediate(() => {
      const now = monotonicMs();
      for (const [number, { untilMs, reject }] of this.#waiting) {
        if (now < untilMs) break;
        this.#waiting.delete(number);
        this.#isSilent = true;
        reject(this.#noAnswer());
      }
      const [next] = this.#waiting.values();
      clearTimeout(this.#timer);
      if (next) this.#timer = setTimeout(() => this.#timeOut(), next.untilMs - now);
      else this.#release();
    });
  }

  /** Rejects all calls of a thread that died. The `error` event comes before `exit`; from then on the thread gets no calls. */
  #dismiss(worker: Worker, message: string, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#starting = undefined;
    this.#isSilent = false;
    this.#diedAtMs = monotonicMs();
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#release();
    if (all.length === 0 && cause === undefined) return;
    const fault = this.#toFault(message, cause);
    for (const { reject } of all) reject(fault);
  }

  #noAnswer(): Fault {
    return this.#toFault(`${this.#setup.file} did not answer in time`, undefined);
  }

  #toFault(message: string, cause: unknown): Fault {
    if (this.#trouble.isNews(message)) this.#setup.log.error(message);
    return new Fault('store_unavailable', { message, cause });
  }
}

/** Each failure of a store is logged at this interval, not at the rate of requests. */
const LOG_EACH_MS = 10_000;

/** Decides which of many failures, with successes in between, are logged. */
class Trouble {
  #lastMs: number | undefined;
  /** When each message was logged: the first one may not say why. */
  readonly #reportedMs = new Map<string, number>();

  /** Called at each failure. Returns whether to log it. */
  isNews(message: string): boolean {
    this.#lastMs = monotonicMs();
    if (this.#lastMs < (this.#reportedMs.get(message) ?? -LOG_EACH_MS) + LOG_EACH_MS) return false;
    this.#reportedMs.set(message, this.#lastMs);
    return true;
  }

  /** Called at each success. Returns whether to log the end of the failures, which is true once. */
  isOver(): boolean {
    if (this.#lastMs === undefined || monotonicMs() < this.#lastMs + LOG_EACH_MS) return false;
    this.#lastMs = undefined;
    this.#reportedMs.clear();
    return true;
  }
}
