import { statSync } from 'node:fs';
import type { FileFacts } from '../contract/project.ts';

interface Kept {
  /** '' for a file that may change again without another stamp. */
  readonly stamp: string;
  /** By key. */
  readonly facts: Map<string, Fact>;
}

interface Fact {
  readonly found: Promise<unknown>;
  /** Undefined until it is found. */
  value?: unknown;
}

/** The clock of a file system may tick every second only: a file that changed later than this before it is read is read again. */
const SETTLED_MS = 2000;

/**
 * Keeps facts of files in memory until the files change. A change shows in the times, the size and the inode: one call
 * of the system, where a reading of the file takes four.
 */
export class KeptFileFacts implements FileFacts {
  readonly #files = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  of<T>(path: string, key: string, find: () => Promise<T>): Promise<T> {
    const { stamp, facts } = this.#refresh(path);
    const known = facts.get(key);
    // All facts under one key have the same type.
    if (known) return known.found as Promise<T>;
    const found = find();
    if (stamp !== '') this.#keep(facts, key, found);
    return found;
  }

  all<T>(key: string): ReadonlyMap<string, T | undefined> {
    return new Map([...this.#files.keys()].map((path) => [path, this.#refresh(path).facts.get(key)?.value as T]));
  }

  #keep(facts: Kept['facts'], key: string, found: Promise<unknown>): void {
    const fact: Fact = { found };
    facts.set(key, fact);
    found.then(
      (value) => {
        fact.value = value;
      },
      () => facts.delete(key),
    );
  }

  #refresh(path: string): Kept {
    const stamp = this.#stampOf(path);
    const kept = this.#files.get(path);
    if (kept && stamp !== '' && kept.stamp === stamp) return kept;
    const changed = { stamp, facts: new Map() };
    this.#files.set(path, changed);
    return changed;
  }

  #stampOf(path: string): string {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = statSync(path, { bigint: true });
      return this.#now() - Number(ctimeMs) < SETTLED_MS ? '' : [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    } catch {
      // Missing or not readable: the code that reads it reports that.
      return '';
    }
  }
}
