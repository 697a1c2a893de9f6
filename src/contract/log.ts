import type { Exchange } from './exchange.ts';

/** The module's own lines (error.log) and the access lines (access.log). Nothing here ever throws or waits. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Writes the access line of an exchange that is over. */
  access(exchange: Exchange): void;
  /** Opens the files again by name, after logrotate renamed them. Throws if that is not possible; the old files then stay in use. */
  reopen(): void;
  /** Writes out what is buffered and closes; resolves after `deadlineMs` at the latest, also on a full disk. */
  close(deadlineMs: number): Promise<void>;
}
