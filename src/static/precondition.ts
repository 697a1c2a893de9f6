import type { IncomingRequest } from '../contract/http-message.ts';
import { namesTag } from '../http/entity-tags.ts';

/** The validators of the stored form that would be sent. */
export interface Validators {
  /** Strong, in quotes. */
  readonly etag: string;
  /** In whole seconds, as in Last-Modified. */
  readonly modifiedMs: number;
}

/**
 * 'send' the file, respond that it is 'unchanged' (304), or that the precondition 'failed' (412).
 */
export type Verdict = 'send' | 'unchanged' | 'failed';

/** Evaluates the conditions of a GET or HEAD request in the order of RFC 9110 13.2.2. */
export function judge(request: Pick<IncomingRequest, 'get'>, validators: Validators): Verdict {
  const ifMatch = request.get('if-match');
  const ifUnmodifiedSince = request.get('if-unmodified-since');
  if (ifMatch !== undefined) {
    if (!namesTag(ifMatch, validators.etag, 'strong')) return 'failed';
  } else if (ifUnmodifiedSince !== undefined && !isUnmodified(ifUnmodifiedSince, validators, true)) return 'failed';

  const ifNoneMatch = request.get('if-none-match');
  if (ifNoneMatch !== undefined) return namesTag(ifNoneMatch, validators.etag, 'weak') ? 'unchanged' : 'send';
  const ifModifiedSince = request.get('if-modified-since');
  if (ifModifiedSince !== undefined && isUnmodified(ifModifiedSince, validators, false)) return 'unchanged';
  return 'send';
}

/**
 * Whether the part that the client has belongs to exactly the form that would be sent now (RFC 9110
 * 13.1.5): the strong tag is equal, or the date is. A date counts only when its second is over,
 * because a later write in the same second would have the same date.
 */
export function isSamePart(ifRange: string, { etag, modifiedMs }: Validators): boolean {
  if (ifRange === etag) return true;
  return toTimeMs(ifRange) === modifiedMs && Date.now() - modifiedMs >= 1000;
}

/** `otherwise`: the result if the header is not a date. */
function isUnmodified(field: string, { modifiedMs }: Validators, otherwise: boolean): boolean {
  const sinceMs = toTimeMs(field);
  return sinceMs === undefined ? otherwise : modifiedMs <= sinceMs;
}

/** The two older forms must also be accepted (RFC 9110 5.6.7). */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * Milliseconds since the epoch of an HTTP-date. Undefined for anything else: a header with such a
 * value counts as absent.
 */
export function toTimeMs(text: string): number | undefined {
  let timeMs = Number.NaN;
  if (IMF_FIXDATE.test(text) || RFC_850.test(text)) timeMs = Date.parse(text);
  // This form has no zone, and Date would use the zone of this machine.
  else if (ASCTIME.test(text)) timeMs = Date.parse(`${text} GMT`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
