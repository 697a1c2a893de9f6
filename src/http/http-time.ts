/** The two older forms must also be accepted (RFC 9110 5.6.7). */
const IMF_FIXDATE = /^[A-Z]{3}, \d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d GMT$/i;
const RFC_850 = /^[A-Z]{6,9}, \d\d-[A-Z]{3}-\d\d \d\d:\d\d:\d\d GMT$/i;
const ASCTIME = /^[A-Z]{3} [A-Z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i;

/**
 * Milliseconds since the epoch of an HTTP-date, in any case of its letters. Undefined for anything else: a header with such a
 * value counts as absent.
 */
export function toTimeMs(text: string): number | undefined {
  let timeMs = Number.NaN;
  if (IMF_FIXDATE.test(text)) timeMs = Date.parse(text);
  else if (RFC_850.test(text)) timeMs = toNearCentury(Date.parse(text));
  // This form has no zone, and Date would use the zone of this machine.
  else if (ASCTIME.test(text)) timeMs = Date.parse(`${text} GMT`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** A year of two digits is at most 50 years ahead (RFC 9110 5.6.7); `Date` reads 50 to 99 as 19xx. */
function toNearCentury(timeMs: number): number {
  const date = new Date(timeMs);
  const earliest = new Date().getUTCFullYear() - 49;
  if (date.getUTCFullYear() >= earliest) return timeMs;
  return date.setUTCFullYear(date.getUTCFullYear() + 100);
}
