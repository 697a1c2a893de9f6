import type { Log } from '../contract/log.ts';

export interface NoteLogOptions {
  /** The least that is noted; default: warn. */
  readonly from?: 'info' | 'warn';
}

/** A look at a site serves no requests and leaves no log files: what would go there is noted, to be printed. */
export class NoteLog implements Log {
  readonly #notes: string[];
  readonly #from: 'info' | 'warn';

  constructor(notes: string[], { from = 'warn' }: NoteLogOptions = {}) {
    this.#notes = notes;
    this.#from = from;
  }

  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#from === 'info') this.#note(message, fields);
  }

  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#note(message, fields);
  }

  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#note(message, fields);
  }

  access(): void {}

  reopen(): void {}

  async close(): Promise<void> {}

  /** With the file that it is about, if there is one. */
  #note(message: string, { target }: Readonly<Record<string, unknown>>): void {
    this.#notes.push(typeof target === 'string' ? `${target} ${message}` : message);
  }
}
