import type { Log } from '../contract/log.ts';

/**
 * Keeps the process alive when a function throws outside of its call (in a timer, in a rejection
 * that is not handled, while it is loaded). Logs the error with its origin; all other work
 * continues.
 */
export function guardProcess(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error('an exception was not caught', { origin: 'uncaughtException', error });
  });
  process.on('unhandledRejection', (error) => {
    log.error('a rejection was not handled', { origin: 'unhandledRejection', error });
  });
}
