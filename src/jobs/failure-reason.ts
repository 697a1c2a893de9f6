import { isNativeError } from 'node:util/types';
import { thrownBy } from '../contract/fault.ts';
import { toLoggableText } from '../contract/loggable-text.ts';
import { showSources } from '../contract/stack-frame.ts';

/** The reason is stored with the job and shown in lists, so its length is limited. */
const LONGEST_REASON = 1000;
/** The first lines point into the function; the lines below them point into its caller. */
const STACK_LINES = 4;

/**
 * The reason of a failed attempt, as it is stored with the job: what was thrown and where, in a few
 * lines, without data that must not be logged. Never throws: without a reason the failure could not
 * be reported to the store.
 */
export function toFailureReason(error: unknown): string {
  const text = toLoggableText(spell(() => describe(error)) ?? `threw ${typeof error}`);
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}

/**
 * A Fault of the function only says that the function failed; its cause is what the function threw.
 */
function describe(error: unknown): string {
  const thrown = thrownBy(error);
  if (thrown !== error) return describe(thrown);
  if (isNativeError(error)) {
    showSources(error);
    return describeError(error);
  }
  return `threw ${typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error))}`;
}

function describeError({ name, message, stack }: Error): string {
  // Code of the site may set `stack` to any value, and `Error.prepareStackTrace` may return a list.
  const lines = String(stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return [`${String(name)}: ${String(message)}`, ...lines.slice(0, STACK_LINES)].join('\n');
}

/** Undefined if the value has a circular reference, a BigInt or a getter that throws. */
function spell(text: () => string): string | undefined {
  try {
    return text();
  } catch {
    // The caller then reports only the type of the value.
    return undefined;
  }
}
