import { blobSteps } from './blob-steps.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import { DiskRoom } from './disk-room.ts';
import { jobSteps } from './job-steps.ts';
import { kvSteps } from './kv-steps.ts';
import { ledgerSteps } from './ledger-steps.ts';
import { monotonicMs } from './monotonic.ts';
import { describe, type Failure, toFailure } from './sqlite-failure.ts';
import { StoreClock } from './store-clock.ts';
import { Upkeep } from './upkeep.ts';
import type { Steps } from './verbs.ts';

/** A file that could not be opened is not tried again before this pause has passed. */
const REOPEN_PAUSE_MS = 250;

/** The database with its prepared statements. */
export interface OpenState extends OpenDatabase {
  readonly steps: Steps;
  readonly upkeep: Upkeep;
  readonly room: DiskRoom;
}

/** Why the database cannot be used at the moment; the message is for operators. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable';
  readonly kind: Failure;

  constructor(cause: unknown, path: string) {
    super(describe(cause, path), { cause });
    this.kind = toFailure(cause);
  }
}

export interface StateFileSetup {
  readonly path: string;
  readonly fsync: boolean;
  readonly onOpen: () => void;
  /** The path no longer leads to the open file. The file that is there now is opened instead. */
  readonly onMoved: (message: string) => void;
}

/**
 * The one database of the thread. It is opened when it is needed, and again after it broke or was
 * moved away.
 */
export class StateFile {
  readonly path: string;
  readonly #setup: StateFileSetup;
  #state: OpenState | undefined;
  #failure: { readonly error: StateUnavailable; readonly untilMs: number } | undefined;

  constructor(setup: StateFileSetup) {
    this.path = setup.path;
    this.#setup = setup;
  }

  /** Throws StateUnavailable if the database cannot be opened. */
  open(): OpenState {
    if (this.#state && !this.#state.isInPlace()) {
      this.#setup.onMoved(`${this.path} was removed or replaced while in use: the data in it is lost`);
      this.close();
    }
    if (this.#state) return this.#state;
    if (this.#failure && monotonicMs() < this.#failure.untilMs) throw this.#failure.error;
    this.#state = this.#openNow();
    this.#failure = undefined;
    this.#setup.onOpen();
    return this.#state;
  }

  /** Returns what an error of a statement means. Closes the database if the handle is unusable. */
  judge(error: unknown): 'mistake' | StateUnavailable {
    const failure = toFailure(error);
    if (failure === 'mistake') return 'mistake';
    if (failure === 'broken') this.close();
    return new StateUnavailable(error, this.path);
  }

  /** Explains to the caller why a verb is refused although the database works. */
  explain(cause: unknown): StateUnavailable {
    return new StateUnavailable(cause, this.path);
  }

  /** Closes the database. `open()` opens it again. */
  close(): void {
    const state = this.#state;
    this.#state = undefined;
    try {
      state?.database.close();
    } catch {
      // A broken database may refuse to close; no acknowledged write depends on it.
    }
  }

  #openNow(): OpenState {
    let opened: OpenDatabase | undefined;
    try {
      opened = openDatabase(this.path, this.#setup);
      const { database } = opened;
      const clock = StoreClock.open(database);
      const steps = {
        ...jobSteps(database, clock),
        ...ledgerSteps(database, clock),
        ...kvSteps(database),
        ...blobSteps(database),
      };
      return { ...opened, steps, upkeep: new Upkeep(database, clock), room: new DiskRoom(database, this.path) };
    } catch (cause) {
      opened?.database.close();
      const error = new StateUnavailable(cause, this.path);
      // SQLite has already waited for the lock, so no pause is needed.
      if (error.kind !== 'locked') this.#failure = { error, untilMs: monotonicMs() + REOPEN_PAUSE_MS };
      throw error;
    }
  }
}
