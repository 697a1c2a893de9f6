import type { HostLog, Log } from '../contract/log.ts';
import { toRealPath } from '../process/real-path.ts';
import { withErrorOnTop } from './error-on-top.ts';
import { type LogOptions, openLog } from './open.ts';

type Details = Readonly<Record<string, unknown>>;

/**
 * The log of a middleware: the host's if given, else files if there is a folder, else lines on
 * stderr. Access lines go to files only, because a host server logs its own requests. Throws
 * LogError.
 */
export function openHostLog(hostLog: HostLog | undefined, options: LogOptions): Log {
  if (hostLog) return new LogFacade(hostLog, options.site);
  const log = openLog(options);
  return options.dir === '' ? new LogFacade(log, undefined, (deadlineMs) => log.close(deadlineMs)) : log;
}

class LogFacade implements Log {
  readonly #log: HostLog;
  readonly #site: string | undefined;
  /** Of a log of nexthop's own. */
  readonly #close: Log['close'] | undefined;

  constructor(log: HostLog, site: string | undefined, close?: Log['close']) {
    this.#log = log;
    this.#site = site && toRealPath(site);
    this.#close = close;
  }

  info(message: string, details?: Details): void {
    this.#report('info', message, details);
  }

  warn(message: string, details?: Details): void {
    this.#report('warn', message, details);
  }

  error(message: string, details?: Details): void {
    this.#report('error', message, details);
  }

  access(): void {}

  reopen(): void {}

  async close(deadlineMs: number): Promise<void> {
    await this.#close?.(deadlineMs);
  }

  #report(level: keyof HostLog, message: string, details: Details = {}): void {
    try {
      const line = this.#close ? { message, details } : withErrorOnTop(message, details, this.#site);
      this.#log[level](line.message, line.details);
    } catch {
      // A failing log must not fail a request, and there is no other log to report it to.
    }
  }
}
