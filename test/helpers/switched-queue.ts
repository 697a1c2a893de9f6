import { Fault } from '../../src/contract/fault.ts';
import type { Claim, Ledger, NewJob, Queue, Tick, TickOutcome } from '../../src/contract/store.ts';

/** A real queue behind a switch: while it is off, every verb rejects as that of a store that is away. It counts what it is asked. */
export class SwitchedQueue implements Queue {
  isOff = false;
  readonly asked: Record<string, number> = {};
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  get ledger(): Ledger {
    return this.#queue.ledger;
  }

  push(job: NewJob): Promise<string> {
    return this.#ask('push', () => this.#queue.push(job));
  }

  claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined> {
    return this.#ask('claim', () => this.#queue.claim(rules, leaseMs));
  }

  extend(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.#ask('extend', () => this.#queue.extend(claim, leaseMs));
  }

  done(claim: Claim): Promise<boolean> {
    return this.#ask('done', () => this.#queue.done(claim));
  }

  again(claim: Claim, dueAtMs: number, reason?: string): Promise<boolean> {
    return this.#ask('again', () => this.#queue.again(claim, dueAtMs, reason));
  }

  bury(claim: Claim, reason: string): Promise<boolean> {
    return this.#ask('bury', () => this.#queue.bury(claim, reason));
  }

  tick(tick: Tick): Promise<TickOutcome> {
    return this.#ask('tick', () => this.#queue.tick(tick));
  }

  onPush(listener: () => void): () => void {
    return this.#queue.onPush(() => {
      if (!this.isOff) listener();
    });
  }

  async #ask<T>(verb: string, answer: () => Promise<T>): Promise<T> {
    this.asked[verb] = (this.asked[verb] ?? 0) + 1;
    if (this.isOff) throw new Fault('store_unavailable', { message: 'switched off' });
    return answer();
  }
}
