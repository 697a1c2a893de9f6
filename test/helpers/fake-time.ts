import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Time } from '../../src/jobs/clock.ts';
import { PATIENCE_MS } from './patience.ts';

interface Timer {
  /** By the time that has passed, whatever the wall clock says. */
  readonly dueMs: number;
  readonly call: () => void;
}

/** Time that passes when a test says so, and a wall clock that it may set. */
export class FakeTime implements Time {
  #wallMs: number;
  #passedMs = 0;
  readonly #timers = new Set<Timer>();

  /** `start`: what the wall clock says, in ISO 8601. */
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

  /** Resolves when somebody waits for a timer, which whoever is at work does not. */
  async settled(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    // A test goes through thousands of moments.
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

  /** Somebody sets the wall clock; no time passes. */
  set(to: string): void {
    this.#wallMs = Date.parse(to);
  }

  #pass(ms: number): void {
    this.#wallMs += ms;
    this.#passedMs += ms;
  }
}
