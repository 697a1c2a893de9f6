import { stat } from 'node:fs/promises';
import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import { toMatchable } from '../contract/path.ts';
import type { Outcome, Target } from '../contract/target.ts';
import type { FileListing, VisitedFolder } from './list-files.ts';

/** A clock that marks changes may stand still for as long; what is added meanwhile leaves the same mark. */
const SETTLING_MS = 100;

export interface LiveFilesParts {
  /** Of the folder, as it is told to people. */
  readonly name: string;
  readonly log: Log;
  list(): Promise<FileListing>;
  /** Who answers for the files, by path. */
  serve(listing: FileListing): ReadonlyMap<string, Target>;
}

/**
 * The files of a folder as they are when somebody asks, for development: whoever asks has the folders looked at, and listed again if one changed. That
 * needs no watcher, which on mounted folders may hear nothing, and costs nothing while nobody asks.
 */
export class LiveFiles implements Target {
  readonly name: string;
  readonly #parts: LiveFilesParts;
  #listing: FileListing;
  #targets: ReadonlyMap<string, Target>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `listing`: as it was a moment ago. */
  constructor(parts: LiveFilesParts, listing: FileListing) {
    this.name = parts.name;
    this.#parts = parts;
    this.#listing = listing;
    this.#targets = parts.serve(listing);
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    await this.#refresh();
    if (exchange.left) return 'answered';
    const path = toMatchable(exchange.target)?.text;
    const target = path === undefined ? undefined : this.#targets.get(path);
    if (!target || path === undefined) return 'passed';
    exchange.route = path;
    exchange.answeredBy = target.name;
    return target.answer(exchange, {});
  }

  /** Whoever comes while somebody looks waits for one more look, as that one may have been past the folder in question. */
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
