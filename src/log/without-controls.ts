/**
 * JSON escapes characters below the space. Some terminals interpret these other ones as commands,
 * and some readers as line ends.
 */
const CONTROLS = /[\x7f-\x9f\u2028\u2029]/g;

/** A line of JSON that no reader and no terminal takes for anything else. */
export function withoutControls(line: string): string {
  return line.replace(CONTROLS, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
