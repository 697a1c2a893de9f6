import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * The event arrives while another process still writes; its change becomes visible a few
 * milliseconds later, after its commit. So the check is repeated after these pauses.
 */
const CHECKS_AFTER_MS = [0, 3, 6, 12, 25, 50, 100, 200];

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

  constructor(file: string, check: () => void) {
    this.#check = check;
    try {
      const name = basename(file);
      this.#watcher = watch(dirname(file), (_, changed) => {
        if (changed?.startsWith(name)) this.#startChecking();
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

  #startChecking(): void {
    this.#checks = 0;
    this.#timer ??= setTimeout(() => this.#checkAgain(), CHECKS_AFTER_MS[0]);
  }

  #checkAgain(): void {
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
