import { existsSync } from 'node:fs';
import type { BanNews, BanPage, CacheStore } from '../../contract/cache-store.ts';
import type { CacheVerbs } from './cache-steps.ts';
import { toTransfer } from './messages.ts';
import type { StateThread } from './state-thread.ts';

const LOOK_EACH_MS = 1000;

/** Cached responses and bans in a database of their own, which the processes of one machine share. */
export class SqliteCache implements CacheStore {
  readonly #thread: StateThread<CacheVerbs>;
  readonly #file: string;
  #hasFile = false;
  #lookAgainMs = 0;
  readonly #listeners = new Set<{ readonly listener: (news?: BanNews) => void }>();

  /** `file`: that of the thread. */
  constructor(thread: StateThread<CacheVerbs>, file: string) {
    this.#thread = thread;
    this.#file = file;
  }

  /** Looks for the file once a second, so that a site without entries starts no thread. */
  mayHaveEntries(): boolean {
    if (this.#hasFile || performance.now() < this.#lookAgainMs) return this.#hasFile;
    this.#hasFile = existsSync(this.#file);
    this.#lookAgainMs = performance.now() + LOOK_EACH_MS;
    return this.#hasFile;
  }

  read(key: string): Promise<{ readonly value: Uint8Array; readonly version: number } | undefined> {
    return this.#thread.call('read', [key]);
  }

  write(key: string, value: Uint8Array, keepMs: number): Promise<void> {
    this.#hasFile = true;
    const bytes = toTransfer(value);
    return this.#thread.call('write', [key, bytes, keepMs], [bytes.buffer]);
  }

  delete(keys: readonly string[]): Promise<boolean> {
    return this.#thread.call('remove', [keys]);
  }

  lock(key: string, leaseMs: number): Promise<boolean> {
    return this.#thread.call('lock', [key, leaseMs]);
  }

  ban(tags: readonly string[], since: number): Promise<BanPage> {
    return this.#thread.call('ban', [tags, since]);
  }

  bans(since: number): Promise<BanPage> {
    return this.#thread.call('bans', [since]);
  }

  /** Starts no thread for a site without entries. */
  async bytes(): Promise<number> {
    return this.mayHaveEntries() ? this.#thread.call('bytes', []) : 0;
  }

  /** The thread watches the file before it runs any call. */
  get isHearing(): boolean {
    return this.#listeners.size > 0;
  }

  onBan(listener: (news?: BanNews) => void): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    this.#thread.watch();
    return () => this.#listeners.delete(entry);
  }

  /** Another process has added a ban, or the first entry. */
  announce(news: BanNews | undefined): void {
    for (const { listener } of this.#listeners) listener(news);
  }
}
