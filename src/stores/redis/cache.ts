import type { BanNews, BanPage, CacheStore } from '../../contract/cache-store.ts';
import { BAN, BANS, DELETE, LOCK, READ, WRITE } from './cache-scripts.ts';
import type { Connection } from './connection.ts';
import { toBytes, toList, toNumber, toText } from './reply.ts';
import type { WakeUp } from './wake-up.ts';

/** A difference of clocks that is older than this is replaced by the next one, because clocks drift. */
const DIFFERENCE_MS = 30_000;

/** Cached responses and bans that containers share. The clock of Redis decides whether an entry is older than a ban. */
export class RedisCache implements CacheStore {
  readonly #connection: Connection;
  readonly #root: string;
  readonly #wakeUp: WakeUp;
  #ahead: { readonly ms: number; readonly measuredAtMs: number } | undefined;

  constructor(connection: Connection, root: string, wakeUp: WakeUp) {
    this.#connection = connection;
    this.#root = root;
    this.#wakeUp = wakeUp;
  }

  /** Another container may have written one. */
  mayHaveEntries(): boolean {
    return true;
  }

  async read(key: string): Promise<{ readonly value: Uint8Array; readonly version: number } | undefined> {
    const reply = await this.#connection.run(READ, this.#root, key);
    if (reply === null) return undefined;
    const [value, version] = toList(reply);
    return { value: toBytes(value), version: toNumber(version) / 1000 };
  }

  async write(key: string, value: Uint8Array, keepMs: number): Promise<void> {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    // Before the first reply of Redis, nothing is known about its clock.
    const nowUs = this.#ahead ? Math.floor((monotonicMs() + this.#ahead.ms) * 1000) : 0;
    const now = await this.#connection.run(WRITE, this.#root, key, bytes, Math.max(1, Math.ceil(keepMs)), nowUs);
    this.#measure(toNumber(now));
  }

  async delete(keys: readonly string[]): Promise<boolean> {
    return (await this.#connection.run(DELETE, this.#root, ...keys)) !== 0;
  }

  async lock(key: string, leaseMs: number): Promise<boolean> {
    return (await this.#connection.run(LOCK, this.#root, key, leaseMs)) === 1;
  }

  async ban(tags: readonly string[], since: number): Promise<BanPage> {
    return this.#toPage(await this.#connection.run(BAN, this.#root, toMicroseconds(since), ...tags));
  }

  async bans(since: number): Promise<BanPage> {
    return this.#toPage(await this.#connection.run(BANS, this.#root, toMicroseconds(since)));
  }

  /** Redis removes entries itself, and to count them would take longer than everything else that is asked of it. */
  async bytes(): Promise<undefined> {
    return undefined;
  }

  get isHearing(): boolean {
    return this.#wakeUp.isSubscribed;
  }

  onBan(listener: (news?: BanNews) => void, onDeaf?: () => void): () => void {
    const stopListening = this.#wakeUp.listen((message) => listener(this.#toNews(message)), onDeaf);
    // The connection for notices may be back earlier than this one: what is read by then fails.
    const stopWaiting = this.#connection.onReady(() => listener());
    return () => {
      stopListening();
      stopWaiting();
    };
  }

  /** Undefined if the message has no bans. */
  #toNews(message: string): BanNews | undefined {
    if (message === '') return undefined;
    const { now, since, at, tags }: BanMessage = JSON.parse(message); // of the script BAN
    const atMs = Number(at) / 1000;
    return {
      since: Number(since) / 1000,
      version: atMs,
      bans: tags.map((tag) => [tag, atMs] as const),
      aheadMs: this.#measure(Number(now)),
      hasEntries: false,
    };
  }

  #toPage(reply: unknown): BanPage {
    const [now, version, hasEntries, found] = toList(reply);
    const aheadMs = this.#measure(toNumber(now));
    const items = toList(found);
    const bans: [string, number][] = [];
    for (let at = 0; at < items.length; at += 2) bans.push([toText(items[at]), toNumber(items[at + 1]) / 1000]);
    return { version: toNumber(version) / 1000, bans, aheadMs, hasEntries: hasEntries === 1 };
  }

  /**
   * Redis read its clock before its reply arrived, so the difference to the time of arrival is too
   * small by the time of the reply. The largest one is the best. Returns it.
   */
  #measure(nowUs: number): number {
    const measuredAtMs = monotonicMs();
    const ms = nowUs / 1000 - measuredAtMs;
    const best = this.#ahead;
    if (!best || ms > best.ms || measuredAtMs > best.measuredAtMs + DIFFERENCE_MS) this.#ahead = { ms, measuredAtMs };
    return (this.#ahead ?? { ms }).ms;
  }
}

/** Microseconds as text: they are too large for a number of Lua's JSON. */
interface BanMessage {
  readonly now: string;
  /** The version before it. */
  readonly since: string;
  readonly at: string;
  readonly tags: readonly string[];
}

/** The exact score of a ban. */
function toMicroseconds(ms: number): string {
  return Math.round(ms * 1000).toFixed(0);
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
