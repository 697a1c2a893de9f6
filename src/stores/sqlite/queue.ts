import type { Claim, JobFilter, Kv, Ledger, NewJob, Queue, Tick, TickOutcome } from '../../contract/store.ts';
import { toTransfer } from './messages.ts';
import type { StateThread } from './state-thread.ts';
import type { Hold } from './verbs.ts';

/** The queue of the embedded store. The thread of the database runs each verb. */
export class SqliteQueue implements Queue {
  readonly ledger: Ledger;
  readonly #thread: StateThread;
  readonly #listeners = new Set<{ readonly listener: () => void }>();

  constructor(thread: StateThread) {
    this.#thread = thread;
    this.ledger = {
      list: (filter: JobFilter) => thread.call('list', [filter]),
      find: (id) => thread.call('find', [id]),
      counts: () => thread.call('counts', []),
      retry: async (id) => this.#announceIf(await thread.call('retry', [id])),
      drop: (id) => thread.call('drop', [id]),
    };
  }

  async push({ rule, payload, dueAtMs }: NewJob): Promise<string> {
    const bytes = toTransfer(payload);
    const id = await this.#thread.call('push', [{ rule, dueAtMs, payload: bytes }], [bytes.buffer]);
    this.announce();
    return id;
  }

  claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined> {
    return this.#thread.call('claim', [rules, leaseMs]);
  }

  extend(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.#thread.call('extend', [toHold(claim), leaseMs]);
  }

  done(claim: Claim): Promise<boolean> {
    return this.#thread.call('done', [toHold(claim)]);
  }

  async again(claim: Claim, dueAtMs: number, reason?: string): Promise<boolean> {
    return this.#announceIf(await this.#thread.call('again', [toHold(claim), dueAtMs, reason]));
  }

  bury(claim: Claim, reason: string): Promise<boolean> {
    return this.#thread.call('bury', [toHold(claim), reason]);
  }

  async tick({ rule, schedule, atMs, payload }: Tick): Promise<TickOutcome> {
    const bytes = toTransfer(payload);
    const outcome = await this.#thread.call('tick', [{ rule, schedule, atMs, payload: bytes }], [bytes.buffer]);
    this.#announceIf(outcome === 'pushed');
    return outcome;
  }

  onPush(listener: () => void): () => void {
    // A new object each time, so that a function that is added twice is called twice and removed
    // once.
    const entry = { listener };
    this.#listeners.add(entry);
    this.#thread.watch();
    return () => this.#listeners.delete(entry);
  }

  /** Calls the listeners, because a job may have become due. */
  announce(): void {
    // Called in a microtask, so that an error of a listener does not look like a failure of the
    // push.
    for (const { listener } of this.#listeners) queueMicrotask(listener);
  }

  #announceIf(happened: boolean): boolean {
    if (happened) this.announce();
    return happened;
  }
}

function toHold({ job, lease }: Claim): Hold {
  return { id: job.id, lease };
}

/** The values of one namespace in the embedded store. */
export class SqliteKv implements Kv {
  readonly #thread: StateThread;
  readonly #namespace: string;

  constructor(thread: StateThread, namespace: string) {
    this.#thread = thread;
    this.#namespace = namespace;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#thread.call('get', [this.#namespace, key]);
  }

  put(key: string, value: Uint8Array, ttlMs?: number): Promise<void> {
    const bytes = toTransfer(value);
    return this.#thread.call('put', [this.#namespace, key, bytes, ttlMs], [bytes.buffer]);
  }

  delete(key: string): Promise<void> {
    return this.#thread.call('delete', [this.#namespace, key]);
  }

  list(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#thread.call('keys', [this.#namespace, prefix, limit, after]);
  }
}
