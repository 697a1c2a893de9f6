import type { IncomingMessage } from 'node:http';
import { HOP_BY_HOP, withoutNames } from './headers.ts';

/**
 * Headers that frame and route the message do not change: another Host or length would make it
 * another request.
 */
const FIXED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'host', 'content-length']);

/**
 * Sets headers of a request in `rawHeaders`, `headers` and `headersDistinct`, for the component
 * that answers. An existing header is replaced at its first position, a new one is appended, and
 * one whose value is undefined is removed. If the value is unchanged, the header keeps its case and
 * duplicates. Returns the names that must not be changed and were therefore skipped.
 */
export function patchRequest(
  request: IncomingMessage,
  changes: Iterable<readonly [name: string, value: string | undefined]>,
): readonly string[] {
  // Node builds `headers` and `headersDistinct` on first use, from rawHeaders and an internal count
  // that cannot be changed. So read both before a header is added.
  const { headers, headersDistinct } = request;
  const refused: string[] = [];
  for (const [name, value] of changes) {
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

/**
 * All values of a header, joined as in a web `Headers` object. Undefined if the header is absent.
 */
function joined({ headersDistinct }: IncomingMessage, lowerName: string): string | undefined {
  return headersDistinct[lowerName]?.join(lowerName === 'cookie' ? '; ' : ', ');
}

/** Returns a new array: code that holds the old one keeps the received headers. */
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
