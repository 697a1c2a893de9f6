import type { IncomingRequest } from '../contract/http-message.ts';
import { namesTag } from '../http/entity-tags.ts';
import { toTimeMs } from '../http/http-time.ts';

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
