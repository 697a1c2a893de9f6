import type { IncomingRequest } from '../contract/http-message.ts';
import { HOP_BY_HOP, withoutNames } from './headers.ts';

/**
 * Headers that frame and route the message do not change: another Host or length would make it
 * another request.
 */
const FIXED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'host', 'content-length']);

/**
 * Sets headers of a request for the component that answers. An existing header is replaced at its
 * first position, a new one is appended, and one whose value is undefined is removed. If the value
 * is unchanged, the header keeps its case and duplicates. Returns the names that must not be changed
 * and were therefore skipped.
 */
export function patchRequest(
  request: IncomingRequest,
  changes: Iterable<readonly [name: string, value: string | undefined]>,
): readonly string[] {
  const refused: string[] = [];
  let headers: readonly string[] | undefined;
  for (const [name, value] of changes) {
    const lowerName = name.toLowerCase();
    if (request.get(lowerName) === value) continue;
    if (FIXED.has(lowerName)) refused.push(name);
    else if (value === undefined) headers = withoutNames(headers ?? request.headers, new Set([lowerName]));
    else headers = withHeader(headers ?? request.headers, name, value);
  }
  // A list that is not made is not needed: the hop copies the lines of the head as received.
  if (headers) request.replaceHeaders(headers);
  return refused;
}

function withHeader(headers: readonly string[], name: string, value: string): string[] {
  const lowerName = name.toLowerCase();
  const patched: string[] = [];
  let isSet = false;
  for (let at = 0; at < headers.length; at += 2) {
    const each = headers[at] as string; // pairs
    const isIt = each.toLowerCase() === lowerName;
    if (isIt && isSet) continue;
    patched.push(each, isIt ? value : (headers[at + 1] as string));
    isSet ||= isIt;
  }
  if (!isSet) patched.push(name, value);
  return patched;
}
