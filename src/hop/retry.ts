import type { HopConnection } from './connections.ts';
import { isRefused, toHopFault } from './errors.ts';

/** Methods that may be sent twice with the effect of once (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
]);

export interface BrokenRequest {
  readonly error: Error;
  readonly method: string;
  readonly hasBody: boolean;
  /** The one that the error came from, if there was one. */
  readonly connection: HopConnection | undefined;
}

/**
 * Whether nothing of a request can have been acted on that failed before the first byte of an answer: the connection was refused, or a reused
 * one broke under an idempotent request without a body (RFC 9110 9.2.2).
 */
export function mayRetry({ error, method, hasBody, connection }: BrokenRequest): boolean {
  if (isRefused(error)) return true;
  const reused = connection !== undefined && connection.answers > 0;
  return reused && !hasBody && IDEMPOTENT.has(method) && toHopFault(error).code === 'hop_reset';
}
