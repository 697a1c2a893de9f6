import { inspect } from 'node:util';
import type { Fault } from '../contract/fault.ts';

/** What went wrong, for the developer alone. */
export interface DevDetails {
  readonly message: string;
  /** What was thrown: of an Error its stack, and those of its causes. */
  readonly cause?: string;
}

/** In full. Never throws, whatever a function threw. */
export function toDevDetails({ message, cause }: Fault): DevDetails {
  return cause === undefined ? { message } : { message, cause: spell(cause) };
}

function spell(cause: unknown): string {
  try {
    return inspect(cause, { maxStringLength: 10_000 });
  } catch {
    // It may be anything, also an object that fails when somebody looks at it.
    return `something that cannot be shown (${typeof cause})`;
  }
}
