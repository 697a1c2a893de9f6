import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import type { Exchange } from '../contract/exchange.ts';
import { LogError, type PrintedText, type ProcessLog } from '../contract/log.ts';
import { toLoggableText } from '../contract/loggable-text.ts';
import { toRealPath } from '../process/real-path.ts';
import { AccessLine } from './access-line.ts';
import { withErrorOnTop } from './error-on-top.ts';
import { LogFile, type TroubleListener } from './file.ts';
import { FunctionLines } from './function-lines.ts';
import { toLoggable } from './loggable.ts';
import { type Lines, Mirror, StreamLines } from './mirror.ts';
import { withoutControls } from './without-controls.ts';

export interface LogOptions {
  /** Folder of all files; created if missing. '': no files, the lines go to stdout and stderr. */
  readonly dir: string;
  /** The lowest level that is written to error.log. */
  readonly level: 'info' | 'warn' | 'error';
  /** Copies access.log and functions.log to stdout, and error.log to stderr. */
  readonly stdout: boolean;
  /** Sets the last part of client addresses to zero. */
  readonly shortAddresses: boolean;
  /** Absolute path of the site: its files are named relative to it. */
  readonly site?: string;
}

/**
 * Opens `access.log` and `error.log` in the folder, if there is one, and `functions.log` when code
 * of the site prints something. Throws LogError.
 */
export function openLog(options: LogOptions): ProcessLog {
  return new FileLog(options);
}

type Details = Readonly<Record<string, unknown>>;
type Level = LogOptions['level'];

class FileLog implements ProcessLog, TroubleListener {
  readonly #accessFile: Lines;
  readonly #errorFile: Lines;
  readonly #functionLines: FunctionLines;
  readonly #accessLine: AccessLine;
  readonly #logger: Logger;
  readonly #shortAddresses: boolean;
  #lost = 0;
  readonly #site: string | undefined;

  constructor({ dir, level, stdout, shortAddresses, site }: LogOptions) {
    // As Node names files.
    this.#site = site && toRealPath(site);
    this.#shortAddresses = shortAddresses;
    this.#accessLine = new AccessLine({ shortAddresses });
    this.#errorFile = this.#open(dir && join(dir, 'error.log'), process.stderr, stdout);
    try {
      this.#accessFile = this.#open(dir && join(dir, 'access.log'), process.stdout, stdout);
    } catch (error) {
      void this.#errorFile.close(0);
      throw error;
    }
    this.#functionLines = new FunctionLines({
      open: () => this.#open(dir && join(dir, 'functions.log'), process.stdout, stdout),
      cannotOpen: (error) => this.error('what functions print is lost until functions.log can be opened', { error }),
    });
    this.#logger = pino(
      {
        level,
        messageKey: 'message',
        // Several processes may append to one file.
        base: { pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line) => this.#errorFile.write(withoutControls(line)) },
    );
  }

  info(message: string, details?: Details): void {
    this.#write('info', message, details);
  }

  warn(message: string, details?: Details): void {
    this.#write('warn', message, details);
  }

  error(message: string, details?: Details): void {
    this.#write('error', message, details);
  }

  access(exchange: Exchange): void {
    try {
      this.#accessFile.write(this.#accessLine.of(exchange));
    } catch (error) {
      this.error('an access line is lost, because creating it failed', { error });
    }
  }

  get lostCount(): number {
    return this.#lost + this.#functionLines.lost;
  }

  get isFailing(): boolean {
    return [this.#accessFile, this.#errorFile, this.#functionLines].some((lines) => lines.isFailing);
  }

  print(printed: PrintedText): void {
    this.#functionLines.write(printed);
  }

  reopen(): void {
    const messages: string[] = [];
    // Reopen each file even if another one fails, or logrotate compresses a file that is still
    // written to.
    for (const file of [this.#accessFile, this.#errorFile, this.#functionLines]) {
      try {
        file.reopen();
      } catch (error) {
        messages.push(toOpenMessage(file.path, error));
      }
    }
    if (messages.length > 0) throw new LogError(messages.join('\n'));
  }

  async close(deadlineMs: number): Promise<void> {
    // All at once. The other logs report their lost lines to error.log before that one closes.
    await Promise.all([
      this.#accessFile.close(deadlineMs),
      this.#functionLines.close(deadlineMs),
      this.#errorFile.close(deadlineMs),
    ]);
  }

  cannotWrite(path: string, error: NodeJS.ErrnoException): void {
    this.error('writing a log file failed; its lines wait in memory until it works again', { path, error });
  }

  lostLines(path: string, count: number): void {
    this.#lost += count;
    this.warn('log lines were lost, because writing the file failed for too long', { path, lines: count });
  }

  #open(path: string, stream: NodeJS.WriteStream, isCopied: boolean): Lines {
    if (path === '') return new StreamLines(stream);
    try {
      return new LogFile({ path, mirror: isCopied ? new Mirror(stream) : undefined, trouble: this });
    } catch (error) {
      throw new LogError(toOpenMessage(path, error), { cause: error });
    }
  }

  #write(level: Level, message: string, details: Details = {}): void {
    try {
      const { message: text, stack, details: rest } = withErrorOnTop(message, details, this.#site);
      const options = { shortAddresses: this.#shortAddresses, withoutStackOf: rest.error };
      this.#logger[level]({ message: toLoggableText(text), ...toLoggable(inOrder(rest, stack), options) });
    } catch (error) {
      // A getter of `details` may throw, and may throw any value.
      this.#logger[level]({ message: toLoggableText(message), unreadable: typeof error });
    }
  }
}

/** The keys that stand first in a line, in this order (docs/logs.md). */
const FIRST_KEYS = [
  'file',
  'line',
  'column',
  'request_id',
  'request',
  'route',
  'target',
  'rule',
  'job',
  'code',
  'status',
];

/** The stack and the error are long, and so stand last. */
function inOrder(details: Details, stack: string | undefined): Details {
  const { error, message: _, ...rest } = details;
  const first = FIRST_KEYS.flatMap((key) => (key in rest ? [[key, rest[key]] as const] : []));
  return {
    ...Object.fromEntries(first),
    ...rest,
    ...(stack !== undefined && { stack }),
    ...(error !== undefined && { error }),
  };
}

function toOpenMessage(path: string, error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException; // node:fs throws only these
  return `LOG_DIR: cannot write "${path}" (${code}); make the folder writable or set LOG_DIR to one that is`;
}
