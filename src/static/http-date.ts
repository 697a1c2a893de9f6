/** The two older forms are still to be understood (RFC 9110 5.6.7). */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** Milliseconds since 1970 of an HTTP-date, undefined for anything else: a field with such a value counts as absent. */
export function toTimeMs(text: string): number | undefined {
  let timeMs = Number.NaN;
  if (IMF_FIXDATE.test(text) || RFC_850.test(text)) timeMs = Date.parse(text);
  // It has no zone, and Date would take that of this machine.
  else if (ASCTIME.test(text)) timeMs = Date.parse(`${text} GMT`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
