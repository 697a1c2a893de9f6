import { Fault, type FaultCode } from '../contract/fault.ts';
import type { HopConnection } from './connections.ts';

/** Nothing of the request can have been acted on: there was never a connection. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_MEMORY',
  'EAI_NODATA',
  'EAI_NONAME',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE', // no descriptor was left for the connection; the hop was not asked
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOTFOUND',
]);

const TIMED_OUT: ReadonlySet<string> = new Set([
  'ERR_SOCKET_CONNECTION_TIMEOUT', // one address of several, as Node tries them in turn
  'ESOCKETTIMEDOUT',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** The hop closed or reset its connection before the answer was complete. */
const RESET: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNRESET', // also Node's "socket hang up": an orderly end before the head
  'ENOTCONN',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_CLOSED_CONNECTION',
  'HPE_INVALID_EOF_STATE', // an orderly end in the middle of the head or of a framed body
  'UND_ERR_INFO', // undici closed a connection that broke in the middle of an answer
  'UND_ERR_SOCKET',
]);

const BAD_ANSWER: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);

/** The pool no longer takes requests: the edge is going down. */
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/**
 * Whatever node:net, node:http or undici threw on the way to the hop, as a Fault with that as its cause.
 * The only place that knows their codes. A Fault stays as it is; what is no error of a connection or of an answer is
 * nexthop's own mistake, `internal`.
 */
export function toHopFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message || codeOf(error) : String(error);
  return new Fault(toFaultCode(error), { message, cause: error });
}

/** The hop's machine answered, and no process listened: nothing was sent, so another attempt is safe for any request. */
export function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isRefused);
  return codeOf(error) === 'ECONNREFUSED';
}

function toFaultCode(error: unknown): FaultCode {
  if (error instanceof AggregateError && error.errors.length > 0) return worstOf(error.errors);
  const code = codeOf(error);
  if (UNREACHABLE.has(code)) return 'hop_unreachable';
  if (TIMED_OUT.has(code)) return 'hop_timeout';
  if (BAD_ANSWER.has(code) || isMisuse(error)) return 'hop_bad_answer';
  if (RESET.has(code)) return 'hop_reset';
  if (isParserError(error)) return 'hop_bad_answer';
  return CLOSED.has(code) ? 'draining' : 'internal';
}

/** Every address of the name failed. If one did not answer in time it may have been the right one, so that counts. */
function worstOf(errors: readonly unknown[]): FaultCode {
  const codes = errors.map(toFaultCode);
  return codes.find((code) => code === 'hop_timeout') ?? codes[0] ?? 'internal';
}

/** undici gives a 101 nobody asked for, or a 100 with a body, the code of a broken socket; only the message tells. */
function isMisuse(error: unknown): boolean {
  return error instanceof Error && (error.message === 'bad response' || error.message === 'bad upgrade');
}

/** Node's has a code that begins with HPE_, undici's often none at all. */
function isParserError(error: unknown): boolean {
  return codeOf(error).startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

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
