import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * The event arrives while another process still writes; its change becomes visible a few
 * milliseconds later, after its commit. So the check is repeated after these pauses.
 */
const CHECKS_AFTER_MS = [0, 3, 6, 12, 25, 50, 100, 200];

/** Between two checks, when many processes write. */
const LEAST_PAUSE_MS = 2;

/** Fallback for systems that cannot report changes, e.g. because all inotify watches are used. */
const CHECK_EACH_MS = 500;

/**
 * Calls `check` after any process wrote a file whose path begins with `file`. The call may be late,
 * and may come more often than needed.
 */
export class ChangeWatch {
  readonly #check: () => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checks = 0;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(file: string, check: () => void) {
    this.#check = check;
    try {
      const name = basename(file);
      this.#watcher = watch(dirname(file), (_, changed) => {
        if (changed === name) this.#checkNow();
        else if (changed?.startsWith(name)) this.#startChecking();
      });
      this.#watcher.on('error', () => this.#fallBack());
      this.#startChecking();
    } catch {
      this.#fallBack();
    }
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
  }

  /** The file itself is written, or touched, after a commit, and the files beside it before. */
  #checkNow(): void {
    this.#checks = 0;
    clearTimeout(this.#timer);
    this.#checkAgain();
  }

  /** A check that is due much later would hide the change until then. */
  #startChecking(): void {
    this.#checks = 0;
    clearTimeout(this.#timer);
    const pauseMs = Math.max(0, this.#checkedAtMs + LEAST_PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => this.#checkAgain(), pauseMs);
  }

  #checkAgain(): void {
    this.#checkedAtMs = performance.now();
    this.#check();
    this.#checks++;
    const pauseMs = CHECKS_AFTER_MS[this.#checks];
    this.#timer = pauseMs === undefined ? undefined : setTimeout(() => this.#checkAgain(), pauseMs);
  }

  #fallBack(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
    this.#timer = setInterval(this.#check, CHECK_EACH_MS);
  }
}
