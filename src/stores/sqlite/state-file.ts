import { rmSync } from 'node:fs';
import { blobSteps } from './blob-steps.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import type { DatabaseContent, OpenContent } from './database-content.ts';
import { DiskRoom } from './disk-room.ts';
import { jobSteps } from './job-steps.ts';
import { kvSteps } from './kv-steps.ts';
import { ledgerSteps } from './ledger-steps.ts';
import { monotonicMs } from './monotonic.ts';
import { MIGRATIONS } from './schema.ts';
import { describe, type Failure, isDamage, toFailure } from './sqlite-failure.ts';
import { StoreClock } from './store-clock.ts';
import { Upkeep } from './upkeep.ts';
import type { Steps } from './verbs.ts';

/** A file that could not be opened is not tried again before this pause has passed. */
const REOPEN_PAUSE_MS = 250;

/** The database with its prepared statements. */
export interface OpenState extends OpenDatabase, OpenContent {}

/** Why the database cannot be used at the moment; the message is for operators. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable';
  readonly kind: Failure;

  /** `isReplaced`: the file was damaged and held nothing that is missed. */
  constructor(cause: unknown, path: string, isReplaced = false) {
    super(isReplaced ? `${path} was damaged and is empty now` : describe(cause, path), { cause });
    this.kind = toFailure(cause);
  }
}

export interface StateFileSetup {
  readonly path: string;
  readonly fsync: boolean;
  /** Default: the state. */
  readonly content?: DatabaseContent;
  readonly onOpen: () => void;
  /** The path no longer leads to the file that was open. The file that is there now, or an empty one, is opened instead. */
  readonly onMoved: (message: string) => void;
}

/**
 * The one database of the thread: that of the state, or another one. It is opened when it is needed, and again after it broke or was
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
    return new StateUnavailable(error, this.path, this.#replaceDamaged(error));
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
    const { fsync, content = STATE_CONTENT } = this.#setup;
    let opened: OpenDatabase | undefined;
    try {
      opened = openDatabase(this.path, { fsync: fsync && !content.isDisposable, migrations: content.migrations });
      return { ...opened, ...content.open(opened.database, { path: this.path, fsync }) };
    } catch (cause) {
      opened?.database.close();
      const error = new StateUnavailable(cause, this.path, this.#replaceDamaged(cause));
      // SQLite has already waited for the lock, so no pause is needed.
      if (error.kind !== 'locked') this.#failure = { error, untilMs: monotonicMs() + REOPEN_PAUSE_MS };
      throw error;
    }
  }

  /** Other processes notice that their file is not in its place any more. */
  #replaceDamaged(error: unknown): boolean {
    if (!this.#setup.content?.isDisposable || !isDamage(error)) return false;
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
    this.#setup.onMoved(`${this.path} was damaged and is replaced by an empty file: it holds cached data only`);
    return true;
  }
}

/** Jobs, key-value data and the index of blobs. */
const STATE_CONTENT: DatabaseContent = {
  migrations: MIGRATIONS,
  isDisposable: false,
  open(database, { path }) {
    const clock = StoreClock.open(database);
    const steps: Steps = {
      ...jobSteps(database, clock),
      ...ledgerSteps(database, clock),
      ...kvSteps(database),
      ...blobSteps(database),
    };
    const version = database.prepare('PRAGMA data_version');
    return {
      steps,
      upkeep: new Upkeep(database, clock),
      room: new DiskRoom(database, path),
      // It changes with commits of other connections, never with those of this one.
      version: () => version.get()?.data_version,
    };
  },
};
