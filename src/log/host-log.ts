import type { Log } from '../contract/log.ts';
import { type LogOptions, openLog } from './open.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a program is told of by the middleware in it. `console` is one. */
export interface HostLog {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/**
 * The log of a middleware: the host's if he gives one, else files if they have a folder, else lines on stderr. Access lines are for files alone: whoever has
 * a server logs its requests himself. Throws LogError.
 */
export function openHostLog(hostLog: HostLog | undefined, options: LogOptions): Log {
  if (hostLog) return new LogFacade(hostLog);
  const log = openLog(options);
  return options.dir === '' ? new LogFacade(log, (deadlineMs) => log.close(deadlineMs)) : log;
}

class LogFacade implements Log {
  readonly #log: HostLog;
  readonly #close: Log['close'] | undefined;

  constructor(log: HostLog, close?: Log['close']) {
    this.#log = log;
    this.#close = close;
  }

  info(message: string, fields?: Fields): void {
    this.#tell('info', message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#tell('warn', message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#tell('error', message, fields);
  }

  access(): void {}

  reopen(): void {}

  async close(deadlineMs: number): Promise<void> {
    await this.#close?.(deadlineMs);
  }

  #tell(level: keyof HostLog, message: string, fields: Fields = {}): void {
    try {
      this.#log[level](message, fields);
    } catch {
      // Nobody is left who could be told, and no request may suffer from it.
    }
  }
}
