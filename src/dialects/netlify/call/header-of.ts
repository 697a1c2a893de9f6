/** The value of a field (name in lower case) among flat names and values; '' if it is not there. Of several the first. */
export function headerOf(rawHeaders: readonly string[], name: string): string {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const each = rawHeaders[at] as string; // pairs
    if (each.length === name.length && each.toLowerCase() === name) return rawHeaders[at + 1] as string;
  }
  return '';
}
