import { isNativeError } from 'node:util/types';
import { Fault } from '../contract/fault.ts';
import { toLoggableText } from '../log/loggable.ts';

/** A reason is kept with the job, and read in a list. */
const LONGEST_REASON = 1000;
/** The first ones lead into the function; those below are of whoever called it. */
const STACK_LINES = 4;

/**
 * Why an attempt failed, as it is kept with the job: what was thrown and where, in a few lines, without what a log may not show. Never throws: without a reason
 * a failure could not be told to the store.
 */
export function toFailureReason(error: unknown): string {
  const text = toLoggableText(spell(() => describe(error)) ?? `threw ${typeof error}`);
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}

/** A Fault of a function only says that it was the function; what that threw is its cause. */
function describe(error: unknown): string {
  if (error instanceof Fault && error.origin === 'function' && error.cause !== undefined) return describe(error.cause);
  if (isNativeError(error)) return describeError(error);
  return `threw ${typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error))}`;
}

function describeError({ name, message, stack }: Error): string {
  // Code of the site may put anything there, and have Node make stacks that are lists.
  const lines = String(stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return [`${String(name)}: ${String(message)}`, ...lines.slice(0, STACK_LINES)].join('\n');
}

/** Undefined for a circle, a BigInt, a getter that throws. */
function spell(text: () => string): string | undefined {
  try {
    return text();
  } catch {
    // What it is must do.
    return undefined;
  }
}
