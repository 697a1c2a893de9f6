import { stat } from 'node:fs/promises';
import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import { toMatchable } from '../contract/path.ts';
import type { Outcome, Target } from '../contract/target.ts';
import type { FileTarget } from './file-target.ts';
import type { FileListing, VisitedFolder } from './list-files.ts';

/**
 * File times may have this resolution: files that are added within it leave the same time on the
 * folder.
 */
const SETTLING_MS = 100;

export interface LiveFilesParts {
  /** Name of the folder, for the log. */
  readonly name: string;
  readonly log: Log;
  list(): Promise<FileListing>;
  /** Creates the targets of the files, by path. */
  serve(listing: FileListing): ReadonlyMap<string, FileTarget>;
}

/**
 * The files of a folder in their current state, for development. Each request checks the folders,
 * and lists them again if one has changed. This needs no file watcher, which may miss changes on
 * mounted folders, and costs nothing without requests.
 */
export class LiveFiles implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #parts: LiveFilesParts;
  #listing: FileListing;
  #targets: ReadonlyMap<string, FileTarget>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `listing`: the latest state. */
  constructor(parts: LiveFilesParts, listing: FileListing) {
    this.name = parts.name;
    this.#parts = parts;
    this.#listing = listing;
    this.#targets = parts.serve(listing);
  }

  /** The number of files when they were listed last. */
  get size(): number {
    return new Set([...this.#targets.values()].map(({ name }) => name)).size;
  }

  /** The file of a path in its current state. The path is decoded and has no slash at its end. */
  async find(path: string): Promise<FileTarget | undefined> {
    await this.#refresh();
    return this.#targets.get(path);
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    await this.#refresh();
    if (exchange.left) return 'answered';
    const path = toMatchable(exchange.target)?.text;
    const target = path === undefined ? undefined : this.#targets.get(path);
    if (!target || path === undefined) return 'passed';
    exchange.route = path;
    exchange.answeredBy = target.name;
    return target.answer(exchange);
  }

  /**
   * Requests during a check wait for one more check after it, because it may have passed the
   * changed folder already.
   */
  #refresh(): Promise<void> {
    if (this.#running) this.#next ??= this.#running.then(() => this.#start());
    return this.#next ?? this.#start();
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#look().finally(() => {
      if (!this.#next) this.#running = undefined;
    });
    return this.#running;
  }

  async #look(): Promise<void> {
    const isSame = await Promise.all(this.#listing.folders.map(isUntouched));
    if (!isSame.includes(false)) return;
    this.#listing = await this.#parts.list();
    this.#targets = this.#parts.serve(this.#listing);
    for (const { file, message } of this.#listing.problems) this.#parts.log.warn(message, { file });
  }
}

async function isUntouched({ path, stats, seenAtMs }: VisitedFolder): Promise<boolean> {
  const now = await stat(path).catch(() => undefined);
  if (!now || !stats) return now === stats;
  if (seenAtMs - stats.mtimeMs < SETTLING_MS) return false;
  return now.mtimeMs === stats.mtimeMs && now.ino === stats.ino && now.dev === stats.dev;
}
