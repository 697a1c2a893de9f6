import { Fault } from './fault.ts';

/**
 * Parses a `Content-Length`, in bytes. Undefined if it is not a number (RFC 9110 8.6) or has more
 * than 15 digits.
 */
export function toLength(value: string): number | undefined {
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The fault for a function's body whose size differs from its Content-Length. */
export function wrongLength(how: 'longer' | 'shorter', declaredLength: number): Fault {
  return new Fault('function_bad_answer', { message: `the body is ${how} than its Content-Length, ${declaredLength}` });
}
