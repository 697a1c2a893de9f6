import type { IncomingRequest } from '../contract/http-message.ts';
import { HOP_BY_HOP as IDS } from '../wire/connection-headers.ts';

/**
 * Headers for one connection only, in lower case, which are not forwarded in either direction (RFC 9110 7.6.1).
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set(Object.keys(IDS).map((name) => name.toLowerCase()));

/** Repeated headers of one name are one comma-separated list (RFC 9110 5.3). */
export function joinValues(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

/** The flat headers without those whose lower-case name is in `names`. */
export function withoutNames(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    if (!names.has(name.toLowerCase())) kept.push(name, headers[at + 1] as string);
  }
  return kept;
}

/**
 * Whether a request has a body (of any method): a Content-Length above 0, or any transfer coding
 * (RFC 9112 6.3).
 */
export function hasBody({ body }: IncomingRequest): boolean {
  return body.announcedBytes !== 0;
}

/** `contentType`: the value of Content-Type; '' without it. */
export function isEventStream(contentType: string): boolean {
  return contentType.length >= EVENT_STREAM.length && contentType.toLowerCase().startsWith(EVENT_STREAM);
}

const EVENT_STREAM = 'text/event-stream';
