import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import type { Answer, FromThread, ThreadSetup, ToThread } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import type { VerbName, Verbs } from './verbs.ts';

/** The contract says a second; whoever waits must still be told. */
const PATIENCE_MS = 900;

/** The thread begins nothing later than that, so that what it did is usually known before patience ends. */
const BEGIN_WITHIN_MS = 700;

/** Takes 50 ms, but on a starved machine longer: nothing is wrong with the store then. */
const START_WITHIN_MS = 5000;

/** A thread that ended by itself is not started more often than that. */
const RESTART_PAUSE_MS = 250;

/** For the thread to close the database; it may hang on a disk that does not answer. */
const CLOSE_WITHIN_MS = 2000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  untilMs: number;
}

interface Sending {
  readonly number: number;
  readonly verb: VerbName;
  readonly args: readonly unknown[];
  readonly transfer: readonly ArrayBuffer[];
}

export interface StateThreadSetup extends ThreadSetup {
  readonly log: Log;
  /** Another process changed something. */
  readonly onChange: () => void;
  /** Code of the thread, for tests. */
  readonly entry?: URL;
}

/**
 * The thread that has the database: started when it is first asked, and again when it died. It keeps the process alive only while somebody
 * waits for an answer.
 *
 * A verb rejects with `store_unavailable` 900 ms after a running thread was asked. It was then, as a rule, not begun, and will not be. But when the disk took too long
 * over its commit it may have happened: a push may be there though its caller was told otherwise, and a claim that nobody got ends with its lease.
 * While a thread owes such an answer, whoever asks is refused at once.
 */
export class StateThread {
  readonly #setup: StateThreadSetup;
  #worker: Worker | undefined;
  #diedAtMs = Number.NEGATIVE_INFINITY;
  #isWatching = false;
  #isClosed = false;
  #lastNumber = 0;
  /** In the order they were asked, so the first is the one whose patience ends first. */
  readonly #waiting = new Map<number, Waiting>();
  /** What was asked before the thread runs; undefined when it does. */
  #starting: Sending[] | undefined;
  #patience: NodeJS.Timeout | undefined;
  /** It owes an answer that somebody waited for in vain, and has said nothing since. What it is asked meanwhile would only pile up in front of it. */
  #isSilent = false;
  readonly #trouble = new Trouble();

  constructor(setup: StateThreadSetup) {
    this.#setup = setup;
  }

  /** `transfer`: buffers in `args` that need not be copied once more. */
  ask<Name extends VerbName>(
    verb: Name,
    args: Parameters<Verbs[Name]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<Verbs[Name]>> {
    return new Promise((resolve, reject) => {
      const worker = this.#start();
      if (this.#isSilent) throw this.#noAnswer();
      const number = ++this.#lastNumber;
      const patienceMs = this.#starting ? START_WITHIN_MS : PATIENCE_MS;
      const sending = { number, verb, args, transfer };
      if (this.#starting) this.#starting.push(sending);
      else this.#post(worker, sending);
      // The thread answers a verb with what the verb returns.
      const settle = { resolve: resolve as Waiting['resolve'], reject };
      this.#waiting.set(number, { ...settle, untilMs: monotonicMs() + patienceMs });
      worker.ref();
      this.#patience ??= setTimeout(() => this.#losePatience(), patienceMs);
    });
  }

  /** From now on `onChange` is called. */
  watch(): void {
    if (this.#isWatching || this.#isClosed) return;
    this.#isWatching = true;
    try {
      // A new thread watches by itself.
      if (this.#worker) this.#worker.postMessage({ kind: 'watch' } satisfies ToThread);
      else this.#start();
    } catch (error) {
      // It will, when it is started for somebody who asks.
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** Resolves when the database is closed. What was asked before is answered first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (!worker) return;
    if (this.#starting) this.#run(worker);
    // Messages stay in their order: what was asked before is done before.
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

  /** Throws a Fault when there can be no thread just now. */
  #start(): Worker {
    if (this.#isClosed) throw new Fault('store_unavailable', { message: `${this.#setup.file} is closed` });
    if (this.#worker) return this.#worker;
    if (monotonicMs() < this.#diedAtMs + RESTART_PAUSE_MS) {
      throw new Fault('store_unavailable', { message: `the thread of ${this.#setup.file} has just died` });
    }
    const { file, fsync, entry = new URL(`./thread-entry${extname(import.meta.url)}`, import.meta.url) } = this.#setup;
    const worker = new Worker(entry, {
      name: 'nexthop state',
      workerData: { file, fsync } satisfies ThreadSetup,
      // What the process was started with is not for this thread: preloaded modules, an inspector's port.
      execArgv: [],
    });
    this.#worker = worker;
    this.#starting = [];
    worker.on('message', (message: FromThread) => this.#hear(worker, message));
    worker.on('error', (cause) => this.#lose(worker, `the thread of ${file} died`, cause));
    worker.on('exit', () => this.#lose(worker, `the thread of ${file} ended`, undefined));
    worker.unref();
    if (this.#isWatching) worker.postMessage({ kind: 'watch' } satisfies ToThread);
    return worker;
  }

  #post(worker: Worker, { number, verb, args, transfer }: Sending): void {
    const ask = { number, verb, args, giveUpAtMs: monotonicMs() + BEGIN_WITHIN_MS };
    worker.postMessage({ kind: 'ask', ask } satisfies ToThread, transfer);
  }

  /** The thread runs: it is asked what was held back, whose second begins now. */
  #run(worker: Worker): void {
    const held = this.#starting ?? [];
    this.#starting = undefined;
    for (const sending of held) {
      const waiting = this.#waiting.get(sending.number);
      if (!waiting) continue;
      waiting.untilMs = monotonicMs() + PATIENCE_MS;
      this.#post(worker, sending);
    }
    if (this.#waiting.size === 0) return;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#losePatience(), PATIENCE_MS);
  }

  #hear(worker: Worker, message: FromThread): void {
    this.#isSilent = false;
    if (message.kind === 'running') this.#run(worker);
    else if (message.kind === 'changed') this.#setup.onChange();
    else if (message.kind === 'warning') this.#setup.log.warn(message.message);
    else for (const answer of message.answers) this.#settle(answer);
  }

  /** An answer that nobody waits for any more is dropped; see above for what that means. */
  #settle(answer: Answer): void {
    const waiting = this.#take(answer.number);
    if (!waiting) return;
    if (answer.kind === 'value') {
      if (this.#trouble.isOver()) this.#setup.log.info(`${this.#setup.file} can be used again`);
      waiting.resolve(answer.value);
    } else if (answer.kind === 'unavailable') {
      waiting.reject(this.#toFault(answer.message, answer.cause));
    } else {
      waiting.reject(new Error('the store was asked for what it cannot do', { cause: answer.cause }));
    }
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) this.#rest();
    return waiting;
  }

  /** Nobody waits. */
  #rest(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#worker?.unref();
  }

  /** Timers run before messages: where our own thread was busy, the answers that came meanwhile are heard first. */
  #losePatience(): void {
    setImmediate(() => {
      const now = monotonicMs();
      for (const [number, { untilMs, reject }] of this.#waiting) {
        if (now < untilMs) break;
        this.#waiting.delete(number);
        this.#isSilent = true;
        reject(this.#noAnswer());
      }
      const [next] = this.#waiting.values();
      clearTimeout(this.#patience);
      if (next) this.#patience = setTimeout(() => this.#losePatience(), next.untilMs - now);
      else this.#rest();
    });
  }

  /** An error comes before the end: from then on the thread is asked nothing any more. */
  #lose(worker: Worker, message: string, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#starting = undefined;
    this.#isSilent = false;
    this.#diedAtMs = monotonicMs();
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#rest();
    if (all.length === 0 && cause === undefined) return;
    const fault = this.#toFault(message, cause);
    for (const { reject } of all) reject(fault);
  }

  #noAnswer(): Fault {
    return this.#toFault(`${this.#setup.file} did not answer in time`, undefined);
  }

  #toFault(message: string, cause: unknown): Fault {
    if (this.#trouble.isNews()) this.#setup.log.error(message);
    return new Fault('store_unavailable', { message, cause });
  }
}

/** A store that fails is told of now and then, not at the rate of requests. */
const TOLD_EACH_MS = 10_000;

/** Decides what of many failures, with successes between them, is worth a line in the log. */
class Trouble {
  #lastMs: number | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;

  /** To be asked at each failure: whether to tell of it. */
  isNews(): boolean {
    this.#lastMs = monotonicMs();
    if (this.#lastMs < this.#reportedMs + TOLD_EACH_MS) return false;
    this.#reportedMs = this.#lastMs;
    return true;
  }

  /** To be asked at each success: whether to tell that the failures are over, which is once. */
  isOver(): boolean {
    if (this.#lastMs === undefined || monotonicMs() < this.#lastMs + TOLD_EACH_MS) return false;
    this.#lastMs = undefined;
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    return true;
  }
}
