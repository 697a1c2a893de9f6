import type { IncomingMessage } from 'node:http';
import { HOP_BY_HOP, withoutNames } from './headers.ts';

/** What frames and routes the message stays as it came: another Host or length would make another request of it. */
const FIXED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'host', 'content-length']);

/**
 * Sets fields of a request, in `rawHeaders`, `headers` and `headersDistinct`, for whoever answers: a field of that name is replaced where it first
 * stands, else added; one whose value is undefined is removed. A value that is the same already leaves the field as it came, with its case and its duplicates.
 * Returns the names that may not be changed and therefore were not.
 */
export function patchRequest(
  request: IncomingMessage,
  fields: Iterable<readonly [name: string, value: string | undefined]>,
): readonly string[] {
  // Node makes both on first use, from rawHeaders and a count of its own that cannot be changed: so before a field is added.
  const { headers, headersDistinct } = request;
  const refused: string[] = [];
  for (const [name, value] of fields) {
    const lowerName = name.toLowerCase();
    if (joined(request, lowerName) === value) continue;
    if (FIXED.has(lowerName)) {
      refused.push(name);
      continue;
    }
    if (value === undefined) {
      delete headers[lowerName];
      delete headersDistinct[lowerName];
      request.rawHeaders = withoutNames(request.rawHeaders, new Set([lowerName]));
      continue;
    }
    headers[lowerName] = value;
    headersDistinct[lowerName] = [value];
    request.rawHeaders = withRaw(request.rawHeaders, name, value);
  }
  return refused;
}

/** All values of a field as a web `Headers` would join them; undefined if there is none. */
function joined({ headersDistinct }: IncomingMessage, lowerName: string): string | undefined {
  return headersDistinct[lowerName]?.join(lowerName === 'cookie' ? '; ' : ', ');
}

/** A new array: whoever holds the one before still has what came. */
function withRaw(rawHeaders: readonly string[], name: string, value: string): string[] {
  const lowerName = name.toLowerCase();
  const patched: string[] = [];
  let isSet = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const each = rawHeaders[at] as string; // pairs
    const isIt = each.toLowerCase() === lowerName;
    if (isIt && isSet) continue;
    patched.push(each, isIt ? value : (rawHeaders[at + 1] as string));
    isSet ||= isIt;
  }
  if (!isSet) patched.push(name, value);
  return patched;
}
