import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Another process writes first, and its change is to be seen some moments later, when its commit is done. */
const LOOKS_AFTER_MS = [0, 3, 6, 12, 25, 50, 100, 200];

/** Where the system cannot tell of changes, e.g. because all its watches are taken. */
const LOOK_EACH_MS = 500;

/** Tells when a file that begins with this path has been written, by anybody: each time somewhat late, and rather once too often. */
export class ChangeWatch {
  readonly #look: () => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  constructor(file: string, look: () => void) {
    this.#look = look;
    try {
      const name = basename(file);
      this.#watcher = watch(dirname(file), (_, changed) => {
        if (changed?.startsWith(name)) this.#startLooking();
      });
      this.#watcher.on('error', () => this.#fallBack());
      this.#startLooking();
    } catch {
      this.#fallBack();
    }
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
  }

  #startLooking(): void {
    this.#looks = 0;
    this.#timer ??= setTimeout(() => this.#lookAgain(), LOOKS_AFTER_MS[0]);
  }

  #lookAgain(): void {
    this.#look();
    this.#looks++;
    const pauseMs = LOOKS_AFTER_MS[this.#looks];
    this.#timer = pauseMs === undefined ? undefined : setTimeout(() => this.#lookAgain(), pauseMs);
  }

  #fallBack(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
    this.#timer = setInterval(this.#look, LOOK_EACH_MS);
  }
}
