import { stripVTControlCharacters } from 'node:util';
import type { PrintedText } from '../contract/log.ts';
import type { Lines } from './mirror.ts';
import { withoutControls } from './without-controls.ts';

/** Of each file in a second. Further lines are counted and not written, so that one function that prints in a loop does not fill the disk. */
const MOST_LINES = 1000;
const MOST_UNITS = 1024 * 1024;
const WINDOW_MS = 1000;
/** In UTF-16 units. */
const LONGEST_TEXT = 16 * 1024;

/** What one file of the site has printed in this second. */
interface Window {
  startedAtMs: number;
  lines: number;
  units: number;
  lost: number;
}

export interface FunctionLinesParts {
  /** Opens functions.log. May throw Node's error. */
  readonly open: () => Lines;
  /** Called with an error of `open`, at most every 10 seconds. */
  readonly cannotOpen: (error: unknown) => void;
}

/** Time after which a file that could not be opened is tried again. */
const NEXT_OPEN_MS = 10_000;

/**
 * functions.log: what code of the site prints. The file is opened by the first line, so that a site
 * that prints nothing has none.
 */
export class FunctionLines {
  readonly #parts: FunctionLinesParts;
  readonly #windows = new Map<string, Window>();
  #lines: Lines | undefined;
  #openAgainAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #lost = 0;

  constructor(parts: FunctionLinesParts) {
    this.#parts = parts;
  }

  /** How many lines were not written, because a file printed too many. */
  get lost(): number {
    return this.#lost;
  }

  /** See `Lines.isFailing`. */
  get isFailing(): boolean {
    return this.#lines ? this.#lines.isFailing : this.#openAgainAtMs > 0;
  }

  write(printed: PrintedText): void {
    const window = this.#windowOf(printed.target);
    if (window.lines >= MOST_LINES || window.units >= MOST_UNITS) {
      window.lost++;
      this.#lost++;
      this.#timer ??= setTimeout(() => this.#reportLost(), WINDOW_MS).unref();
      return;
    }
    window.lines++;
    window.units += Math.min(printed.text.length, LONGEST_TEXT);
    this.#append(printed);
  }

  /** See `Log.reopen`. */
  reopen(): void {
    this.#openAgainAtMs = 0;
    this.#lines?.reopen();
  }

  /** Path of the file; '' before the first line, and if there is no file. */
  get path(): string {
    return this.#lines?.path ?? '';
  }

  async close(deadlineMs: number): Promise<void> {
    this.#reportLost();
    this.#isClosed = true;
    await this.#lines?.close(deadlineMs);
  }

  #windowOf(target: string): Window {
    const nowMs = performance.now();
    let window = this.#windows.get(target);
    if (!window) {
      window = { startedAtMs: nowMs, lines: 0, units: 0, lost: 0 };
      this.#windows.set(target, window);
    } else if (nowMs - window.startedAtMs >= WINDOW_MS) {
      Object.assign(window, { startedAtMs: nowMs, lines: 0, units: 0 });
    }
    return window;
  }

  #reportLost(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [target, window] of this.#windows) {
      if (window.lost === 0) continue;
      const text = `${window.lost} lines are not written here: this file printed more than ${MOST_LINES} lines, or 1 MB, in a second`;
      window.lost = 0;
      this.#append({ level: 'warn', text, target, route: '', requestId: '' });
    }
  }

  #append(printed: PrintedText): void {
    if (this.#isClosed) return;
    this.#lines ??= this.#open();
    this.#lines?.write(toLine(printed));
  }

  #open(): Lines | undefined {
    const nowMs = performance.now();
    if (nowMs < this.#openAgainAtMs) return undefined;
    try {
      return this.#parts.open();
    } catch (error) {
      this.#openAgainAtMs = nowMs + NEXT_OPEN_MS;
      this.#parts.cannotOpen(error);
      return undefined;
    }
  }
}

function toLine({ level, text, target, route, requestId, fields }: PrintedText): string {
  const line = JSON.stringify({
    time: new Date().toISOString(),
    level,
    ...(requestId !== '' && { request_id: requestId }),
    ...fields,
    ...(route !== '' && { route }),
    ...(target !== '' && { target }),
    message: toMessage(text),
  });
  return `${withoutControls(line)}\n`;
}

function toMessage(text: string): string {
  const plain = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  if (plain.length <= LONGEST_TEXT) return plain;
  return `${plain.slice(0, LONGEST_TEXT)}… (${plain.length - LONGEST_TEXT} more characters)`;
}
