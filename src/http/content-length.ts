import { Fault } from '../contract/fault.ts';

/** The value of a `Content-Length`; undefined for what is none (RFC 9110 8.6), or is larger than any body. */
export function toLength(value: string): number | undefined {
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** For a body of a function that does not fit its length. */
export function wrongLength(how: 'longer' | 'shorter', declaredLength: number): Fault {
  return new Fault('function_bad_answer', { message: `the body is ${how} than its Content-Length, ${declaredLength}` });
}
