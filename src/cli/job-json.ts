import type { JobRecord } from '../contract/store.ts';

/** A job for scripts: times in ISO 8601, and the size of the payload instead of the payload. */
export function toJobJson({
  id,
  rule,
  state,
  pushedAtMs,
  dueAtMs,
  leaseEndsAtMs,
  attempts,
  failures,
  reason,
  payloadBytes,
}: Omit<JobRecord, 'payload'> & { readonly payloadBytes: number }): Readonly<Record<string, unknown>> {
  return {
    id,
    rule,
    state,
    pushed: toIso(pushedAtMs),
    due: toIso(dueAtMs),
    ...(leaseEndsAtMs !== undefined && { lease_ends: toIso(leaseEndsAtMs) }),
    attempts,
    failures,
    reason,
    payload_bytes: payloadBytes,
  };
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
