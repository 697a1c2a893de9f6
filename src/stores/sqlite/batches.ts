import type { Answer, Ask } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { toFailure } from './sqlite-failure.ts';
import { type OpenState, type StateFile, StateUnavailable } from './state-file.ts';
import type { Step } from './verbs.ts';

/** A transaction takes no further verbs after it: other processes wait for its end. */
const LONGEST_TRANSACTION_MS = 50;

/**
 * Does what is asked in the order it was asked, and commits in groups: COMMIT blocks the thread while the disk writes, so whatever is asked
 * meanwhile is found waiting when it returns, and goes into the next transaction together. Nothing is answered before its COMMIT returned.
 */
export class Batches {
  readonly #file: StateFile;
  readonly #send: (answers: readonly Answer[]) => void;
  #waiting: Ask[] = [];
  #answers: Answer[] = [];
  #wrote = false;
  /** Why what waits could not be begun yet. */
  #heldUpBy: StateUnavailable | undefined;
  #next: NodeJS.Immediate | undefined;

  constructor(file: StateFile, send: (answers: readonly Answer[]) => void) {
    this.#file = file;
    this.#send = send;
  }

  /** Nothing waits to be done. */
  get isIdle(): boolean {
    return this.#next === undefined;
  }

  add(ask: Ask): void {
    this.#waiting.push(ask);
    // All messages that have arrived are handed over before an immediate runs.
    this.#next ??= setImmediate(() => this.#run());
  }

  #run(): void {
    const asks = this.#waiting;
    this.#waiting = [];
    // What is left over is older than what arrives from now on.
    this.#waiting = this.#work(asks);
    if (this.#answers.length > 0) this.#send(this.#answers);
    this.#answers = [];
    if (this.#wrote) this.#tidy();
    this.#wrote = false;
    this.#next = this.#waiting.length > 0 ? setImmediate(() => this.#run()) : undefined;
  }

  /** Returns what must wait. */
  #work(asks: Ask[]): Ask[] {
    try {
      const state = this.#file.open();
      return this.#write(state, this.#read(state, asks));
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      return this.#refuse(asks, error);
    }
  }

  /** What comes before the first write needs no transaction, and no lock. Returns the rest. */
  #read(state: OpenState, asks: Ask[]): Ask[] {
    for (const [index, ask] of asks.entries()) {
      if (this.#isLate(ask)) continue;
      const { writes, run } = toStep(state, ask);
      try {
        if (writes(...ask.args)) return asks.slice(index);
        this.#answers.push({ number: ask.number, kind: 'value', value: run(...ask.args) });
      } catch (cause) {
        const verdict = this.#file.judge(cause);
        if (verdict !== 'mistake') return this.#refuse(asks.slice(index), verdict);
        this.#answers.push({ number: ask.number, kind: 'mistake', cause });
      }
    }
    return [];
  }

  /** One transaction. Returns what did not go into it. */
  #write(state: OpenState, asks: Ask[]): Ask[] {
    if (asks.length === 0) return [];
    const { database } = state;
    const answers: Answer[] = [];
    let taken = 0;
    try {
      database.exec('BEGIN IMMEDIATE');
      this.#heldUpBy = undefined;
      const endMs = monotonicMs() + LONGEST_TRANSACTION_MS;
      for (const ask of asks) {
        if (taken > 0 && monotonicMs() > endMs) break;
        taken++;
        if (!this.#isLate(ask)) answers.push(doStep(state, ask));
      }
      database.exec('COMMIT');
    } catch (cause) {
      return this.#undo(state, asks, taken, cause);
    }
    this.#wrote = true;
    this.#answers.push(...answers);
    return asks.slice(taken);
  }

  /** Nothing of the transaction happened. If one of many may be to blame, each is tried alone. Returns what must wait. */
  #undo({ database, upkeep }: OpenState, asks: Ask[], taken: number, cause: unknown): Ask[] {
    // Some errors undo the transaction by themselves.
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    const verdict = this.#file.judge(cause);
    if (verdict === 'mistake') throw cause;
    if (verdict.kind === 'full' && upkeep.makeRoom()) return asks;
    const tried = asks.slice(0, taken);
    if (verdict.kind === 'full' && taken > 1) {
      return [...tried.flatMap((ask) => this.#work([ask])), ...asks.slice(taken)];
    }
    return this.#refuse(asks, verdict);
  }

  /** Answers all that cannot wait any longer. Returns the others: only those that are locked out may go on to wait. */
  #refuse(asks: readonly Ask[], verdict: StateUnavailable): Ask[] {
    const { kind, message, cause } = verdict;
    this.#heldUpBy = kind === 'locked' ? verdict : undefined;
    const now = monotonicMs();
    return asks.filter(({ number, giveUpAtMs }) => {
      if (kind === 'locked' && now < giveUpAtMs) return true;
      this.#answers.push({ number, kind: 'unavailable', message, cause });
      return false;
    });
  }

  #isLate({ number, giveUpAtMs }: Ask): boolean {
    if (monotonicMs() < giveUpAtMs) return false;
    const isSlow = `${this.#file.path} is behind with its writes: the disk is too slow for what is asked`;
    const { message = isSlow, cause } = this.#heldUpBy ?? {};
    this.#answers.push({ number, kind: 'unavailable', message, cause });
    return true;
  }

  #tidy(): void {
    try {
      this.#file.open().upkeep.afterWrite();
    } catch (error) {
      // Nobody waits for it; what is really wrong will be told to whoever asks next.
      if (!(error instanceof StateUnavailable)) this.#file.judge(error);
    }
  }
}

/** In a savepoint, so that a mistake undoes none of the others. Any other error is the business of the whole transaction. */
function doStep(state: OpenState, ask: Ask): Answer {
  const { database } = state;
  database.exec('SAVEPOINT verb');
  try {
    const value = toStep(state, ask).run(...ask.args);
    database.exec('RELEASE verb');
    return { number: ask.number, kind: 'value', value };
  } catch (cause) {
    if (toFailure(cause) !== 'mistake') throw cause;
    database.exec('ROLLBACK TO verb; RELEASE verb');
    return { number: ask.number, kind: 'mistake', cause };
  }
}

function toStep({ steps }: OpenState, { verb }: Ask): Step<(...args: readonly unknown[]) => unknown> {
  // StateThread.ask lets nobody ask a verb with other arguments than its own.
  return steps[verb] as unknown as Step<(...args: readonly unknown[]) => unknown>;
}
