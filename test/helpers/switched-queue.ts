import { Fault } from '../../src/contract/fault.ts';
import type { Claim, Ledger, NewJob, Queue, Tick, TickOutcome } from '../../src/contract/store.ts';

/** A queue with a switch: while it is off, every call rejects as in an outage of the store. Counts the calls. */
export class SwitchedQueue implements Queue {
  isOff = false;
  readonly calls: Record<string, number> = {};
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  get ledger(): Ledger {
    return this.#queue.ledger;
  }

  push(job: NewJob): Promise<string> {
    return this.#call('push', () => this.#queue.push(job));
  }

  claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined> {
    return this.#call('claim', () => this.#queue.claim(rules, leaseMs));
  }

  extend(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.#call('extend', () => this.#queue.extend(claim, leaseMs));
  }

  done(claim: Claim): Promise<boolean> {
    return this.#call('done', () => this.#queue.done(claim));
  }

  again(claim: Claim, dueAtMs: number, reason?: string): Promise<boolean> {
    return this.#call('again', () => this.#queue.again(claim, dueAtMs, reason));
  }

  bury(claim: Claim, reason: string): Promise<boolean> {
    return this.#call('bury', () => this.#queue.bury(claim, reason));
  }

  tick(tick: Tick): Promise<TickOutcome> {
    return this.#call('tick', () => this.#queue.tick(tick));
  }

  onPush(listener: () => void): () => void {
    return this.#queue.onPush(() => {
      if (!this.isOff) listener();
    });
  }

  async #call<T>(name: string, answer: () => Promise<T>): Promise<T> {
    this.calls[name] = (this.calls[name] ?? 0) + 1;
    if (this.isOff) throw new Fault('store_unavailable', { message: 'switched off' });
    return answer();
  }
}
