import type { Exchange } from './exchange.ts';

/** Writes to error.log and access.log. Nothing here throws or blocks, except `reopen`. */
export interface Log {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
  /** Writes the access line of a finished exchange. */
  access(exchange: Exchange): void;
  /** Opens the files again by name, after logrotate renamed them. Throws if that fails; the old files stay in use. */
  reopen(): void;
  /** Writes what is buffered and closes the files; resolves after `deadlineMs` at the latest, also on a full disk. */
  close(deadlineMs: number): Promise<void>;
}
