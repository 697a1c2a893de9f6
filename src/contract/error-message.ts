import { isNativeError } from 'node:util/types';
import { Fault, thrownBy } from './fault.ts';

/** The message of an error. Code of a site may throw any value; another value is returned as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a value is an error, also one of another realm, e.g. of `node:vm`. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

/**
 * A log message followed by the message of its error, unless it contains that already. For a function's Fault, this is
 * the error that the function threw. Throws what a getter of the error throws.
 */
export function withErrorMessage(message: string, error: unknown): string {
  const thrown = thrownBy(error);
  const own = isError(thrown) ? thrown.message : `threw ${spell(thrown)}`;
  const isCodeAlone = error instanceof Fault && thrown !== error && message === error.code;
  if (isCodeAlone) return own;
  return own === '' || message.includes(own) ? message : `${message}: ${own}`;
}

function spell(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A circle, a BigInt, a getter that throws: what it is must do.
    return typeof value;
  }
}
