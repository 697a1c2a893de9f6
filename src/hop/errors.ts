import { Fault, type FaultCode } from '../contract/fault.ts';
import type { HopConnection } from './connections.ts';

/** Connecting failed, so the hop cannot have processed any part of the request. */
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
  'EMFILE', // no file descriptor for the connection; nothing was sent
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOTFOUND',
]);

const TIMED_OUT: ReadonlySet<string> = new Set([
  'ERR_SOCKET_CONNECTION_TIMEOUT', // one of several addresses, which Node tries in turn
  'ESOCKETTIMEDOUT',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** The hop closed or reset the connection before the response was complete. */
const RESET: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNRESET', // also Node's "socket hang up": a normal close before the head
  'ENOTCONN',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_CLOSED_CONNECTION',
  'HPE_INVALID_EOF_STATE', // a normal close inside the head or a framed body
  'UND_ERR_INFO', // undici closed a connection that broke inside a response
  'UND_ERR_SOCKET',
]);

const BAD_ANSWER: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);

/** The pool accepts no requests because the server shuts down. */
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/**
 * Converts an error of node:net, node:http or undici to a Fault with that error as its cause. This
 * is the only place that knows their codes. A Fault is returned unchanged. Any error that is not
 * about a connection or response is a bug in nexthop: `internal`.
 */
export function toHopFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message || codeOf(error) : String(error);
  return new Fault(toFaultCode(error), { message, cause: error });
}

/**
 * Whether the connection was refused (no process listens). Nothing was sent, so any request can be
 * retried.
 */
export function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isRefused);
  return codeOf(error) === 'ECONNREFUSED';
}

function toFaultCode(error: unknown): FaultCode {
  if (error instanceof AggregateError && error.errors.length > 0) return faultCodeOfAll(error.errors);
  const code = codeOf(error);
  if (UNREACHABLE.has(code)) return 'hop_unreachable';
  if (TIMED_OUT.has(code)) return 'hop_timeout';
  if (BAD_ANSWER.has(code) || isMisuse(error)) return 'hop_bad_answer';
  if (RESET.has(code)) return 'hop_reset';
  if (isParserError(error)) return 'hop_bad_answer';
  return CLOSED.has(code) ? 'draining' : 'internal';
}

/**
 * All addresses of the name failed. A timeout wins over other errors, because that address may have
 * been the right one.
 */
function faultCodeOfAll(errors: readonly unknown[]): FaultCode {
  const codes = errors.map(toFaultCode);
  return codes.find((code) => code === 'hop_timeout') ?? codes[0] ?? 'internal';
}

/**
 * undici reports an unexpected 101, or a 100 with a body, with the code of a broken socket. Only
 * the message differs.
 */
function isMisuse(error: unknown): boolean {
  return error instanceof Error && (error.message === 'bad response' || error.message === 'bad upgrade');
}

/** Node's parser errors have a code with the prefix HPE_; undici's often have none. */
function isParserError(error: unknown): boolean {
  return codeOf(error).startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Idempotent methods (RFC 9110 9.2.2). */
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
  /** The connection on which the error occurred, if there was one. */
  readonly connection: HopConnection | undefined;
}

/**
 * Whether a request that failed before the first byte of a response may be sent again: the
 * connection was refused, or a reused connection broke during an idempotent request without a body
 * (RFC 9110 9.2.2).
 */
export function mayRetry({ error, method, hasBody, connection }: BrokenRequest): boolean {
  if (isRefused(error)) return true;
  const reused = connection !== undefined && connection.answers > 0;
  return reused && !hasBody && IDEMPOTENT.has(method) && toHopFault(error).code === 'hop_reset';
}
