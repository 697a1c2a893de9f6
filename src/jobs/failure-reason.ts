import { isNativeError } from 'node:util/types';
import { Fault } from '../fault.ts';
import { toLoggableText } from '../log/loggable.ts';

/** A reason is kept with the job, and read in a list. */
const LONGEST_REASON = 1000;
/** The first ones lead into the function; those below are of whoever called it. */
const STACK_LINES = 4;

/** Why an attempt failed, as it is kept with the job: what was thrown and where, in a few lines, without what a log may not show. */
export function toFailureReason(error: unknown): string {
  const text = toLoggableText(describe(error));
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}

/** A Fault of a function only says that it was the function; what that threw is its cause. */
function describe(error: unknown): string {
  if (error instanceof Fault && error.origin === 'function' && error.cause !== undefined) return describe(error.cause);
  if (!isNativeError(error)) return `threw ${spell(error)}`;
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${error.message}`, ...lines.slice(0, STACK_LINES)].join('\n');
}

function spell(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  } catch {
    // A circle, a BigInt or a getter that throws: what it is must do.
    return typeof thrown;
  }
}
