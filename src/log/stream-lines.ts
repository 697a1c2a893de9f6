import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Mirror } from './mirror.ts';

/** What takes the lines of one log, and can be closed. */
export interface Lines {
  /** Of the file; '' where there is none. */
  readonly path: string;
  /** Takes one line with its line feed. */
  write(line: string): void;
  /** Opens again what it writes to, by its name. */
  reopen(): void;
  /** Resolves after `deadlineMs` at the latest. */
  close(deadlineMs: number): Promise<void>;
}

/** Lines that go to stdout or stderr and into no file: whoever started the process reads them, or nobody does. */
export class StreamLines implements Lines {
  readonly path = '';
  readonly #mirror: Mirror;

  constructor(stream: Writable) {
    this.#mirror = new Mirror(stream);
  }

  write(line: string): void {
    this.#mirror.write(line);
  }

  reopen(): void {
    // There is no name to open.
  }

  async close(deadlineMs: number): Promise<void> {
    const deadline = new AbortController();
    const late = delay(deadlineMs, undefined, { signal: deadline.signal }).catch(() => undefined); // aborted when nobody waits any more
    await Promise.race([this.#mirror.close(), late]);
    deadline.abort();
  }
}
