/** Opaque tags may contain commas, so the list is not split at commas. */
const TAGS = /(W\/)?("[^"]*")/g;

/**
 * Whether the value of If-Match or If-None-Match names this ETag, or any with `*`. `etag`: strong,
 * with its quotes. With the comparison `weak` (RFC 9110 8.8.3.2) it is also named as `W/"…"`.
 */
export function namesTag(field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (field === etag || field.trim() === '*') return true;
  for (const [, weak, tag] of field.matchAll(TAGS)) {
    if (tag === etag && (comparison === 'weak' || weak === undefined)) return true;
  }
  return false;
}
