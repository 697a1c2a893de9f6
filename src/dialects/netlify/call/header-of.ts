/**
 * The value of a header in `rawHeaders` (alternating names and values). `name` is in lower case.
 * Returns '' if the header is missing, and the first of several.
 */
export function headerOf(rawHeaders: readonly string[], name: string): string {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const each = rawHeaders[at] as string; // pairs
    if (each.length === name.length && each.toLowerCase() === name) return rawHeaders[at + 1] as string;
  }
  return '';
}
