/**
 * The value of a header in a flat list (name, value, name, value), by its name in lower case. Repeats are one list (RFC 9110 5.3), joined with ", "
 * (Cookie: "; "). Undefined without the header.
 */
export function findHeader(headers: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const each = headers[at] as string; // pairs
    if (each.length !== name.length || (each !== name && each.toLowerCase() !== name)) continue;
    const next = headers[at + 1] as string;
    value = value === undefined ? next : `${value}${name === 'cookie' ? '; ' : ', '}${next}`;
  }
  return value;
}
