import { Fault } from '../contract/fault.ts';

const TIMED_OUT: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT']);

/** Converts an error of a socket to a Fault. `isConnected`: without a connection, the origin cannot have acted on the request. */
export function toOriginFault(error: unknown, isConnected: boolean): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message || codeOf(error) : 'the origin ended its connection';
  if (isTimedOut(error)) return new Fault('hop_timeout', { message, cause: error });
  return new Fault(isConnected ? 'hop_reset' : 'hop_unreachable', { message, cause: error });
}

/** The machine of the origin answered that no process listens on the port. */
export function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isRefused);
  return codeOf(error) === 'ECONNREFUSED';
}

/** Of several addresses, the one that did not answer in time may have been the right one. */
function isTimedOut(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isTimedOut);
  return TIMED_OUT.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
