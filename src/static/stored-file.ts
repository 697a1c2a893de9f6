import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { Fault } from '../contract/fault.ts';
import type { Coding } from './choose-codings.ts';
import { type Facts, isSameFile, readFacts } from './facts.ts';
import type { Memory } from './memory.ts';

/** The path must not have become a link since, and opening a FIFO must not wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Settings that the files of a folder share. */
export interface Shelf {
  readonly memory: Memory;
  /** How long facts are reused without a check; 0: each request checks the file. */
  readonly trustedMs: number;
}

export interface StoredFileParts {
  /** Absolute, without links. */
  readonly path: string;
  readonly coding: Coding;
  readonly shelf: Shelf;
}

/** One file on disk. Its facts are read when it is first requested. */
export class StoredFile {
  readonly coding: Coding;
  readonly #path: string;
  readonly #shelf: Shelf;
  #facts: Facts | undefined;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  /** The read in flight; many requests may wait for it. */
  #looking: Promise<Facts | undefined> | undefined;

  constructor({ path, coding, shelf }: StoredFileParts) {
    this.#path = path;
    this.coding = coding;
    this.#shelf = shelf;
  }

  /** The latest facts; undefined if the file is gone. Rejects with a Fault if it cannot be read. */
  look(): Facts | undefined | Promise<Facts | undefined> {
    if (this.#facts && performance.now() - this.#checkedAtMs < this.#shelf.trustedMs) return this.#facts;
    this.#looking ??= this.#check().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /**
   * Opens the file that has these facts. Undefined if the file has changed; the next `look` then
   * reads the new facts.
   */
  async open(facts: Facts): Promise<FileHandle | undefined> {
    const handle = await this.#open();
    try {
      if (handle && isSameFile(await handle.stat(), facts.stats)) return handle;
    } catch (cause) {
      await handle?.close();
      throw this.#unreadable(cause);
    }
    await handle?.close();
    this.#checkedAtMs = Number.NEGATIVE_INFINITY;
    return undefined;
  }

  async #check(): Promise<Facts | undefined> {
    const checkedAtMs = performance.now();
    if (!(this.#facts && (await this.#isUnchanged(this.#facts)))) await this.#learn();
    this.#checkedAtMs = checkedAtMs;
    return this.#facts;
  }

  async #isUnchanged({ stats }: Facts): Promise<boolean> {
    try {
      return isSameFile(await stat(this.#path), stats);
    } catch {
      // `#open` reports the reason.
      return false;
    }
  }

  async #learn(): Promise<void> {
    if (this.#facts) this.#shelf.memory.forget(this.#facts);
    this.#facts = undefined;
    const handle = await this.#open();
    if (!handle) return;
    try {
      // A parent folder may have become a link that leads out of the site.
      if ((await realpath(this.#path).catch(() => '')) !== this.#path) return;
      this.#facts = await readFacts(handle, this.coding);
      if (this.#facts) this.#shelf.memory.keep(this.#facts);
    } catch (cause) {
      throw this.#unreadable(cause);
    } finally {
      await handle.close();
    }
  }

  /** Undefined if the file no longer exists. */
  async #open(): Promise<FileHandle | undefined> {
    try {
      return await open(this.#path, OPEN_FLAGS);
    } catch (cause) {
      if (GONE.has((cause as NodeJS.ErrnoException).code ?? '')) return undefined; // all that node:fs rejects with
      throw this.#unreadable(cause);
    }
  }

  #unreadable(cause: unknown): Fault {
    return new Fault('internal', { message: `the file ${this.#path} cannot be read`, cause });
  }
}

/** ELOOP: the path is now a link; ENXIO: a socket. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);
