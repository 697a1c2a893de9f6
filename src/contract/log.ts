import type { Exchange } from './exchange.ts';
import { ValueKey } from './kept-values.ts';
import { UserError } from './user-error.ts';

/** Receives the log messages of a middleware. `console` is one. */
export interface HostLog {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** Writes to error.log and access.log. Nothing here throws or blocks, except `reopen`. */
export interface Log extends HostLog {
  /** Writes the access line of a finished exchange. */
  access(exchange: Exchange): void;
  /** Opens the files again by name, after logrotate renamed them. Throws if that fails; the old files stay in use. */
  reopen(): void;
  /** Writes what is buffered and closes the files; resolves after `deadlineMs` at the latest, also on a full disk. */
  close(deadlineMs: number): Promise<void>;
}

/** A log file cannot be opened. The message says which one, why, and what to do. */
export class LogError extends UserError {
  override readonly name = 'LogError';
}

/** The log of a process that belongs to nexthop: it also has what code of the site prints. */
export interface ProcessLog extends Log {
  /** Writes a line to functions.log. */
  print(printed: PrintedText): void;
  /** How many lines were not written, of all files. */
  readonly lostCount: number;
  /** One of the files cannot be written, e.g. because the disk is full; its lines wait in memory, and the last ones are lost. */
  readonly isFailing: boolean;
}

/** What code of the site printed, by `console` or by `write` of `process.stdout` or `process.stderr`. */
export interface PrintedText {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Without the line end. Text of one call of `console` may have several lines. */
  readonly text: string;
  /** The file that was called, relative to the site; '' if it is not known. */
  readonly target: string;
  /** Pattern of the route; '' for code that no route calls. */
  readonly route: string;
  /** '' if the code does not run for a request. */
  readonly requestId: string;
  /** Further fields of its line. */
  readonly fields?: PrintedFields;
}

/** By their names in functions.log, e.g. the id of a run. */
export type PrintedFields = Readonly<Record<string, string>>;

/** The fields that a platform adds to all that code prints for an exchange. */
export const PRINTED_FIELDS = new ValueKey<PrintedFields>();
