import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { isMissingFile } from '../contract/error-code.ts';

export interface FolderWatchParts {
  /** Absolute path. */
  readonly root: string;
  /** Absolute paths of folders that are not watched. */
  readonly ignored: readonly string[];
  /** Called after `begin` with the changed files (relative to the root) once they have not changed for `QUIET_MS`. */
  readonly onChange: (files: readonly string[]) => void;
  /** Called once with the reason if changes of a folder cannot be noticed. */
  readonly onTrouble: (folder: string, error: unknown) => void;
}

/** Editors write a file in several steps. */
const QUIET_MS = 12;
/** The first of them often empties the file, and must not be read: a function without code has no route. */
const EMPTY_MS = 150;
/** A file that changes all the time is read at last. */
const LONGEST_WAIT_MS = 300;

/** The time of a file may be behind the clock, by the tick of the kernel. */
const FILE_TIME_MS = 20;

/** Folders with a dot are those of tools, except those in which a platform keeps code. */
const SKIPPED = /^(?:node_modules|\.(?!netlify$|edgeone$).*)$/;

/**
 * What the reading of a site may depend on. Other files, e.g. images and databases that functions
 * write, are looked up at each request and need no reading.
 */
const EXTENSIONS: ReadonlySet<string> = new Set(
  ['js', 'mjs', 'cjs', 'jsx', 'ts', 'mts', 'cts', 'tsx', 'json', 'jsonc', 'css', 'toml', 'html', 'htm', 'wasm'].map(
    (each) => `.${each}`,
  ),
);
const NAMES = /^(?:_redirects|_headers|\.env(?:\.\w+)?)$/;

/**
 * Notices saved files of a site, with one `fs.watch` for each folder: the recursive one of Node
 * would also watch node_modules on Linux.
 */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Files outside of the root, and the watchers of their folders. */
  readonly #outside = new Set<string>();
  readonly #outsideWatchers = new Map<string, FSWatcher>();
  /** Of the folder above the root: a build may remove the root and make it again. */
  readonly #above: FSWatcher | undefined;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #firstAtMs = 0;
  #readingAtMs = Number.POSITIVE_INFINITY;
  #isTroubled = false;
  #hasBegun = false;

  constructor(parts: FolderWatchParts) {
    this.#parts = parts;
    this.#above = this.#watchAbove();
    this.#add(parts.root);
  }

  /** A reading of the site begins. */
  beforeReading(): void {
    this.#readingAtMs = Date.now() - FILE_TIME_MS;
  }

  /** Adds files outside of the root, as absolute paths. The reading that found them may have read them before they changed. */
  useOutside(files: readonly string[]): void {
    for (const file of files) {
      if (this.#outside.has(file)) continue;
      this.#outside.add(file);
      this.#watchOutside(dirname(file));
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats && stats.mtimeMs >= this.#readingAtMs) this.#note(file);
    }
  }

  /** Reports changes from now on, and those since the watch was made: the site may have been read before them. */
  begin(): void {
    this.#hasBegun = true;
    this.#report();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#above?.close();
    for (const watcher of [...this.#watchers.values(), ...this.#outsideWatchers.values()]) watcher.close();
    this.#watchers.clear();
    this.#outsideWatchers.clear();
  }

  #watchAbove(): FSWatcher | undefined {
    const { root } = this.#parts;
    try {
      const watcher = watch(dirname(root), (event, name) => {
        // Its attributes are a 'change'.
        if (event === 'rename' && name === basename(root)) this.#onRootEvent();
      });
      return watcher.on('error', () => watcher.close());
    } catch {
      // Another user's folder: the files of the site are noticed without it.
      return undefined;
    }
  }

  #onRootEvent(): void {
    const { root } = this.#parts;
    // The watchers are of the removed folders, also if the root is there again by now.
    this.#remove(root);
    if (kindOf(root) === 'folder' && this.#add(root)) this.#note(root);
  }

  #watchOutside(folder: string): void {
    if (this.#outsideWatchers.has(folder)) return;
    const watcher = this.#open(folder, (name) => {
      if (this.#outside.has(join(folder, name))) this.#note(join(folder, name));
    });
    if (watcher) this.#outsideWatchers.set(folder, watcher);
  }

  /** Watches a folder and those below it. Returns whether one of them has a file that matters. */
  #add(folder: string): boolean {
    if (this.#watchers.has(folder) || this.#parts.ignored.includes(folder)) return false;
    const watcher = this.#open(folder, (name) => this.#onEvent(folder, name));
    if (!watcher) return false;
    this.#watchers.set(folder, watcher);
    let hasFile = false;
    for (const entry of listOf(folder)) {
      if (entry.isDirectory()) {
        if (!SKIPPED.test(entry.name) && this.#add(join(folder, entry.name))) hasFile = true;
      } else if (this.#matters(folder, entry.name)) hasFile = true;
    }
    return hasFile;
  }

  #open(folder: string, onEvent: (name: string) => void): FSWatcher | undefined {
    try {
      const watcher = watch(folder, (_, name) => onEvent(name ?? ''));
      // The folder is gone; the event of its parent says so, too.
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      // A folder that is not there: reading the site says so, or the event of the folder above.
      if (isMissingFile(error)) return undefined;
      if (!this.#isTroubled) this.#parts.onTrouble(folder, error);
      this.#isTroubled = true;
      return undefined;
    }
  }

  #onEvent(folder: string, name: string): void {
    if (name === '' || (SKIPPED.test(name) && !NAMES.test(name))) return;
    const path = join(folder, name);
    const kind = kindOf(path);
    if (kind === 'folder') {
      // A removed folder that was made again has another watcher.
      if (!this.#watchers.has(path) && this.#add(path)) this.#note(path);
    } else if (kind === 'gone' && this.#watchers.has(path)) {
      this.#remove(path);
      this.#note(path);
    } else if (this.#matters(folder, name)) this.#note(path);
  }

  /** The first file of `public/`, whatever it is: before it, the site has no folder of files. */
  #matters(folder: string, name: string): boolean {
    if (EXTENSIONS.has(extname(name)) || NAMES.test(basename(name))) return true;
    return folder === join(this.#parts.root, 'public') && listOf(folder).length === 1;
  }

  #remove(folder: string): void {
    for (const [path, watcher] of this.#watchers) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
  }

  #note(path: string): void {
    const nowMs = performance.now();
    if (this.#changed.size === 0) this.#firstAtMs = nowMs;
    this.#changed.add(relative(this.#parts.root, path) || '.');
    clearTimeout(this.#timer);
    const leftMs = Math.max(0, this.#firstAtMs + LONGEST_WAIT_MS - nowMs);
    const quietMs = statSync(path, { throwIfNoEntry: false })?.size === 0 ? EMPTY_MS : QUIET_MS;
    this.#timer = setTimeout(() => this.#report(), Math.min(quietMs, leftMs));
  }

  #report(): void {
    if (!this.#hasBegun || this.#changed.size === 0) return;
    const files = [...this.#changed];
    this.#changed.clear();
    this.#parts.onChange(files);
  }
}

function kindOf(path: string): 'folder' | 'file' | 'gone' {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return 'gone';
  return stats.isDirectory() ? 'folder' : 'file';
}

function listOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It was removed in the meantime.
    return [];
  }
}
