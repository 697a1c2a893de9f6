import type { Log } from '../contract/log.ts';

/**
 * Keeps the process alive whatever a function does behind its answer's back, or while it is loaded (a throw from a timer, a
 * rejection nobody awaits): it is logged with where it came from, and everything else goes on.
 */
export function guardProcess(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error('an exception was not caught', { origin: 'uncaughtException', error });
  });
  process.on('unhandledRejection', (error) => {
    log.error('a rejection was not handled', { origin: 'unhandledRejection', error });
  });
}
