import { appendFileSync, writeSync } from 'node:fs';

export interface ErrorLinesSetup {
  /** Path of error.log; '': its lines go to stderr. */
  readonly errorLog: string;
  /** Copies the lines of error.log to stderr. */
  readonly isCopied: boolean;
}

export type ErrorLevel = 'info' | 'warn' | 'error';

/**
 * Appends a line to error.log, in its form. For threads and processes that have no Log: they must
 * neither depend on an event loop nor load what a Log needs.
 */
export function appendErrorLine(
  { errorLog, isCopied }: ErrorLinesSetup,
  { level, message, ...fields }: { readonly level: ErrorLevel; readonly message: string },
): void {
  const line = `${JSON.stringify({ level, time: new Date().toISOString(), pid: process.pid, message, ...fields })}\n`;
  if (errorLog === '' || isCopied) writeToStderr(line);
  if (errorLog === '') return;
  try {
    appendFileSync(errorLog, line);
  } catch (error) {
    writeToStderr(`${line}nexthop: cannot write ${errorLog}: ${String(error)}\n`);
  }
}

/** At once: `process.stderr` of a thread is written by the main thread. */
export function writeToStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Closed, or a full pipe: there is no other place.
  }
}
