import type { Answer, Call } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { toFailure } from './sqlite-failure.ts';
import { type OpenState, type StateFile, StateUnavailable } from './state-file.ts';
import type { Step } from './verbs.ts';

/**
 * A transaction takes no further verbs after this time, because other processes wait for its end.
 */
const LONGEST_TRANSACTION_MS = 50;

/**
 * Runs verbs in the order in which they arrived, and commits them in groups. COMMIT blocks the
 * thread while the disk writes. The verbs that arrive meanwhile are queued and go into the next
 * transaction together. No answer is sent before its COMMIT has returned.
 */
export class Batches {
  readonly #file: StateFile;
  readonly #send: (answers: readonly Answer[]) => void;
  #waiting: Call[] = [];
  #answers: Answer[] = [];
  #wrote = false;
  /** Why the queued verbs could not be started yet. */
  #blockedBy: StateUnavailable | undefined;
  #next: NodeJS.Immediate | undefined;

  constructor(file: StateFile, send: (answers: readonly Answer[]) => void) {
    this.#file = file;
    this.#send = send;
  }

  /** Whether no verb is queued. */
  get isIdle(): boolean {
    return this.#next === undefined;
  }

  add(call: Call): void {
    this.#waiting.push(call);
    // Node delivers all messages that have arrived before it runs an immediate.
    this.#next ??= setImmediate(() => this.#run());
  }

  #run(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    // Verbs that are left over are older than those that arrive from now on.
    this.#waiting = this.#work(calls);
    if (this.#answers.length > 0) this.#send(this.#answers);
    this.#answers = [];
    if (this.#wrote) this.#tidy();
    this.#wrote = false;
    this.#next = this.#waiting.length > 0 ? setImmediate(() => this.#run()) : undefined;
  }

  /** Runs the verbs. Returns those that must wait. */
  #work(calls: Call[]): Call[] {
    try {
      const state = this.#file.open();
      return this.#write(state, this.#read(state, calls));
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      return this.#refuse(calls, error);
    }
  }

  /**
   * Runs the verbs up to the first write, which need no transaction and no lock. Returns the rest.
   */
  #read(state: OpenState, calls: Call[]): Call[] {
    for (const [index, call] of calls.entries()) {
      if (this.#isLate(call)) continue;
      const { writes, run } = toStep(state, call);
      try {
        if (writes(...call.args)) return calls.slice(index);
        this.#answers.push({ number: call.number, kind: 'value', value: run(...call.args) });
      } catch (cause) {
        const verdict = this.#file.judge(cause);
        if (verdict !== 'mistake') return this.#refuse(calls.slice(index), verdict);
        this.#answers.push({ number: call.number, kind: 'mistake', cause });
      }
    }
    return [];
  }

  /** Runs one transaction. Returns the verbs that did not go into it. */
  #write(state: OpenState, calls: Call[]): Call[] {
    if (calls.length === 0) return [];
    const { database, room } = state;
    const answers: Answer[] = [];
    let taken = 0;
    let isShort = false;
    try {
      const hasRoom = room.open(calls.reduce((bytes, call) => bytes + bytesOf(state, call), 0));
      database.exec('BEGIN IMMEDIATE');
      this.#blockedBy = undefined;
      const endMs = monotonicMs() + LONGEST_TRANSACTION_MS;
      for (const call of calls) {
        if (taken > 0 && monotonicMs() > endMs) break;
        taken++;
        if (this.#isLate(call)) continue;
        const fitting = hasRoom(bytesOf(state, call)) ? call : withoutBytes(state, call);
        isShort ||= fitting !== call;
        if (fitting) answers.push(runStep(state, fitting));
        else answers.push(toUnavailable(call, this.#file.explain(room.toError())));
      }
      database.exec('COMMIT');
    } catch (cause) {
      return this.#undo(state, calls, taken, cause);
    }
    this.#wrote = true;
    this.#answers.push(...answers);
    if (isShort) this.#attempt(() => room.keepSpare());
    return calls.slice(taken);
  }

  /**
   * Rolls the transaction back. If one of many verbs may be the cause, each is tried alone. Returns
   * the verbs that must wait.
   */
  #undo({ database, upkeep }: OpenState, calls: Call[], taken: number, cause: unknown): Call[] {
    // Some errors roll the transaction back by themselves.
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    const verdict = this.#file.judge(cause);
    if (verdict === 'mistake') throw cause;
    if (verdict.kind === 'full' && upkeep.makeRoom()) return calls;
    const tried = calls.slice(0, taken);
    if (verdict.kind === 'full' && taken > 1) {
      return [...tried.flatMap((call) => this.#work([call])), ...calls.slice(taken)];
    }
    return this.#refuse(calls, verdict);
  }

  /**
   * Answers all verbs that cannot wait any longer. Returns the others: a verb waits only for a
   * lock.
   */
  #refuse(calls: readonly Call[], verdict: StateUnavailable): Call[] {
    const { kind } = verdict;
    this.#blockedBy = kind === 'locked' ? verdict : undefined;
    const now = monotonicMs();
    return calls.filter((call) => {
      if (kind === 'locked' && now < call.startUntilMs) return true;
      this.#answers.push(toUnavailable(call, verdict));
      return false;
    });
  }

  #isLate({ number, startUntilMs }: Call): boolean {
    if (monotonicMs() < startUntilMs) return false;
    const isSlow = `${this.#file.path} has too many queued writes: the disk is too slow for this load`;
    const { message = isSlow, cause, kind } = this.#blockedBy ?? {};
    this.#answers.push({ number, kind: 'unavailable', message, cause, isFull: kind === 'full' });
    return true;
  }

  #tidy(): void {
    this.#attempt(() => this.#file.open().upkeep.afterWrite());
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      // No caller waits for this. A lasting problem is reported to the next verb.
      if (!(error instanceof StateUnavailable)) this.#file.judge(error);
    }
  }
}

function toUnavailable({ number }: Call, { message, cause, kind }: StateUnavailable): Answer {
  return { number, kind: 'unavailable', message, cause, isFull: kind === 'full' };
}

/** About how many bytes of new data a verb brings. */
function bytesOf(state: OpenState, call: Call): number {
  return toStep(state, call).takes?.(...call.args) ?? 0;
}

/** The same verb with less data; undefined if the verb needs all of it. */
function withoutBytes(state: OpenState, call: Call): Call | undefined {
  const args = toStep(state, call).without?.(...call.args);
  return args && { ...call, args };
}

/**
 * Runs a verb in a savepoint, so that a mistake rolls back no other verb. Any other error fails the
 * whole transaction.
 */
function runStep(state: OpenState, call: Call): Answer {
  const { database } = state;
  database.exec('SAVEPOINT verb');
  try {
    const value = toStep(state, call).run(...call.args);
    database.exec('RELEASE verb');
    return { number: call.number, kind: 'value', value };
  } catch (cause) {
    if (toFailure(cause) !== 'mistake') throw cause;
    database.exec('ROLLBACK TO verb; RELEASE verb');
    return { number: call.number, kind: 'mistake', cause };
  }
}

function toStep({ steps }: OpenState, { verb }: Call): Step<(...args: readonly unknown[]) => unknown> {
  // The types of StateThread.call ensure that a verb gets its own arguments.
  return steps[verb] as unknown as Step<(...args: readonly unknown[]) => unknown>;
}
