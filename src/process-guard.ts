import type { Log } from './log/log.ts';

/**
 * Keeps the process alive whatever a function does behind its answer's back (a throw from a timer, a rejection nobody awaits):
 * it is logged with where it came from, and every other request goes on. Returns what takes the guard away again.
 */
export function guardProcess(log: Log): () => void {
  const onException = (error: unknown): void =>
    log.error('an exception was not caught', { origin: 'uncaughtException', error });
  const onRejection = (error: unknown): void =>
    log.error('a rejection was not handled', { origin: 'unhandledRejection', error });
  process.on('uncaughtException', onException).on('unhandledRejection', onRejection);
  return () => void process.off('uncaughtException', onException).off('unhandledRejection', onRejection);
}
