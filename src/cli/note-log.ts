import { withErrorMessage } from '../contract/error-message.ts';
import type { Log } from '../contract/log.ts';

export interface NoteLogOptions {
  /** The lowest level that is noted; default: warn. */
  readonly from?: 'info' | 'warn';
}

/**
 * A log for commands that serve no requests and write no log files. It collects the lines, which
 * are printed later.
 */
export class NoteLog implements Log {
  readonly #notes: string[];
  readonly #from: 'info' | 'warn';

  constructor(notes: string[], { from = 'warn' }: NoteLogOptions = {}) {
    this.#notes = notes;
    this.#from = from;
  }

  info(message: string, details: Readonly<Record<string, unknown>> = {}): void {
    if (this.#from === 'info') this.#note(message, details);
  }

  warn(message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#note(message, details);
  }

  error(message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#note(message, details);
  }

  access(): void {}

  reopen(): void {}

  async close(): Promise<void> {}

  /** Adds the file that the line is about, and the message of its error, if there are any. */
  #note(message: string, { target, error }: Readonly<Record<string, unknown>>): void {
    const text = error === undefined ? message : withErrorMessage(message, error);
    this.#notes.push(typeof target === 'string' ? `${target} ${text}` : text);
  }
}
