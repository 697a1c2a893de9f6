import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Time } from '../../src/jobs/clock.ts';
import { PATIENCE_MS } from './patience.ts';

interface Timer {
  /** On the monotonic clock, independent of the wall clock. */
  readonly dueMs: number;
  readonly call: () => void;
}

/** Time that advances when a test calls `pass`, and a wall clock that a test can set. */
export class FakeTime implements Time {
  #wallMs: number;
  #passedMs = 0;
  readonly #timers = new Set<Timer>();

  /** `start`: the first time of the wall clock, in ISO 8601. */
  constructor(start: string) {
    this.#wallMs = Date.parse(start);
  }

  now(): number {
    return this.#wallMs;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { dueMs: this.#passedMs + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Resolves when a timer is pending, i.e. when the code under test waits. */
  async settled(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    // A test advances the time thousands of times.
    while (!this.isWaitedFor) {
      if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for a timer`);
      await nextTurn();
    }
  }

  /** Whether there is a timer. */
  get isWaitedFor(): boolean {
    return this.#timers.size > 0;
  }

  /** Lets time pass, and timers fire, until the wall clock says so. */
  async passTo(end: string): Promise<void> {
    const endMs = Date.parse(end);
    for (;;) {
      await this.settled();
      const [next] = [...this.#timers].sort((left, right) => left.dueMs - right.dueMs);
      if (!next || this.#wallMs + next.dueMs - this.#passedMs > endMs) break;
      this.#pass(next.dueMs - this.#passedMs);
      this.#timers.delete(next);
      next.call();
    }
    this.#pass(endMs - this.#wallMs);
  }

  /** Sets the wall clock without letting time pass. */
  set(to: string): void {
    this.#wallMs = Date.parse(to);
  }

  #pass(ms: number): void {
    this.#wallMs += ms;
    this.#passedMs += ms;
  }
}
