import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import { AccessLine } from './access-line.ts';
import { LogFile, type TroubleListener } from './file.ts';
import { toLoggable, toLoggableText } from './loggable.ts';
import { type Lines, Mirror, StreamLines } from './mirror.ts';

export interface LogOptions {
  /** Folder of both files; made if need be. '': there are none, and their lines go to stdout and stderr. */
  readonly dir: string;
  /** The least that goes to error.log. */
  readonly level: 'info' | 'warn' | 'error';
  /** Copies access.log to stdout and error.log to stderr. */
  readonly stdout: boolean;
  /** Zeroes the last part of client addresses. */
  readonly shortAddresses: boolean;
}

/** A log file cannot be opened; the message says which one, why, and what to do. */
export class LogError extends Error {
  override readonly name = 'LogError';
}

/** Opens `access.log` and `error.log` in the folder, if there is one. Throws LogError. */
export function openLog(options: LogOptions): Log {
  return new FileLog(options);
}

type Fields = Readonly<Record<string, unknown>>;
type Level = LogOptions['level'];

class FileLog implements Log, TroubleListener {
  readonly #accessFile: Lines;
  readonly #errorFile: Lines;
  readonly #accessLine: AccessLine;
  readonly #logger: Logger;
  readonly #shortAddresses: boolean;

  constructor({ dir, level, stdout, shortAddresses }: LogOptions) {
    this.#shortAddresses = shortAddresses;
    this.#accessLine = new AccessLine({ shortAddresses });
    this.#errorFile = this.#open(dir && join(dir, 'error.log'), process.stderr, stdout);
    try {
      this.#accessFile = this.#open(dir && join(dir, 'access.log'), process.stdout, stdout);
    } catch (error) {
      void this.#errorFile.close(0);
      throw error;
    }
    this.#logger = pino(
      {
        level,
        // Several processes may append to one file.
        base: { pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line) => this.#errorFile.write(withoutControls(line)) },
    );
  }

  info(message: string, fields?: Fields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#write('error', message, fields);
  }

  access(exchange: Exchange): void {
    try {
      this.#accessFile.write(this.#accessLine.of(exchange));
    } catch (error) {
      this.error('an access line could not be made', { error });
    }
  }

  reopen(): void {
    const complaints: string[] = [];
    // Each by itself: a file that can be rotated should be, or logrotate compresses it while we write to it.
    for (const file of [this.#accessFile, this.#errorFile]) {
      try {
        file.reopen();
      } catch (error) {
        complaints.push(toComplaint(file.path, error));
      }
    }
    if (complaints.length > 0) throw new LogError(complaints.join('\n'));
  }

  async close(deadlineMs: number): Promise<void> {
    // The access log first: what it has to say of itself goes to the other one.
    await Promise.all([this.#accessFile.close(deadlineMs), this.#errorFile.close(deadlineMs)]);
  }

  cannotWrite(path: string, error: NodeJS.ErrnoException): void {
    this.error('a log file cannot be written; its lines wait in memory', { path, error });
  }

  lostLines(path: string, count: number): void {
    this.warn('log lines are lost, because the file could not be written for too long', { path, lines: count });
  }

  #open(path: string, stream: NodeJS.WriteStream, isCopied: boolean): Lines {
    if (path === '') return new StreamLines(stream);
    try {
      return new LogFile({ path, mirror: isCopied ? new Mirror(stream) : undefined, trouble: this });
    } catch (error) {
      throw new LogError(toComplaint(path, error), { cause: error });
    }
  }

  #write(level: Level, message: string, fields: Fields = {}): void {
    try {
      this.#logger[level](toLoggable(fields, { shortAddresses: this.#shortAddresses }), toLoggableText(message));
    } catch (error) {
      // A field's own getter may throw, and it may throw anything.
      this.#logger[level]({ unreadable: typeof error }, toLoggableText(message));
    }
  }
}

function toComplaint(path: string, error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException; // node:fs throws nothing else
  return `LOG_DIR: cannot write "${path}" (${code}); make the folder writable or set LOG_DIR to one that is`;
}

/** JSON escapes what is below the space; of the rest some terminals take these for commands, and some readers for line ends. */
const CONTROLS = /[\x7f-\x9f\u2028\u2029]/g;

function withoutControls(line: string): string {
  return line.replace(CONTROLS, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
