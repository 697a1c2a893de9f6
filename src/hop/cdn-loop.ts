/**
 * How often a CDN-Loop value names `id`: an entry is an id and its parameters, which may hold commas and semicolons in quotes and do not count
 * (RFC 8586 2).
 */
export function countCdnLoop(value: string, id: string): number {
  if (!value.includes(id)) return 0;
  let count = 0;
  for (const entry of toEntries(value)) {
    const semicolon = entry.indexOf(';');
    if ((semicolon < 0 ? entry : entry.slice(0, semicolon)).trim() === id) count++;
  }
  return count;
}

/** A quote that is not closed is no quote: it would hide the entries that proxies add behind it, and with them the loop. */
function toEntries(value: string): string[] {
  const entries: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') at++;
    else if (!isQuoted && character === ',') {
      entries.push(value.slice(from, at));
      from = at + 1;
    }
  }
  if (isQuoted) return value.split(',');
  entries.push(value.slice(from));
  return entries;
}
