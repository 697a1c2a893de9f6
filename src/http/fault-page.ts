import { STATUS_CODES } from 'node:http';
import { inspect } from 'node:util';
import type { Fault, FaultCode, FaultPage } from '../contract/fault.ts';
import { showSources } from '../contract/stack-frame.ts';
import { escapeHtml } from './escape-html.ts';
import { negotiate } from './negotiate.ts';

export interface FaultPageOptions {
  /** '' if the request has none. */
  readonly requestId: string;
  /** The client's Accept header, '' if absent. */
  readonly accept: string;
  /** Development mode: the page shows what failed in a function, with its stack. */
  readonly dev: boolean;
}

/** In order of preference, for clients that accept several formats equally. */
const PROBLEM = 'application/problem+json';
const FORMATS = ['text/plain', 'text/html', 'application/json', PROBLEM] as const;
/**
 * The same for faults of functions: clients of functions usually parse JSON, and the platforms
 * return JSON too.
 */
const FUNCTION_FORMATS = ['application/json', 'text/plain', 'text/html', PROBLEM] as const;

/** Types of problems that have a registered name (draft-ietf-httpapi-ratelimit-headers-11, 6). */
const PROBLEM_TYPES: Readonly<Partial<Record<FaultCode, string>>> = {
  rate_limited: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
};

/**
 * Builds the error page of a fault: status, code, request id and the fault's client message, in the
 * format that the client prefers. Internal details are shown in development mode only. Without it,
 * a fault with its own page gets that page.
 */
export function toFaultPage(fault: Fault, { requestId, accept, dev }: FaultPageOptions): FaultPage {
  const { status, code, origin } = fault;
  if (fault.page && !dev) return fault.page;
  const details = dev && origin === 'function' ? toDevDetails(fault) : toDetails(fault);
  const title = `${status} ${reasonOf(status)}`;
  switch (negotiate(accept, origin === 'function' ? FUNCTION_FORMATS : FORMATS)) {
    case 'application/json':
      return {
        contentType: 'application/json',
        body: `${JSON.stringify({ status, code, requestId: requestId || undefined, ...details })}\n`,
      };
    case PROBLEM:
      return { contentType: PROBLEM, body: toProblem(fault, { requestId, ...details }) };
    case 'text/html':
      return { contentType: 'text/html; charset=utf-8', body: toHtml({ title, code, requestId, details }) };
    default: {
      const idLine = requestId && `request id: ${requestId}\n`;
      return { contentType: 'text/plain; charset=utf-8', body: `${title}\ncode: ${code}\n${idLine}${toText(details)}` };
    }
  }
}

/** The reason phrase of a status. A dialect may return a status that has no standard phrase. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

/** RFC 9457. */
function toProblem(
  { status, code }: Fault,
  { requestId, ...details }: Partial<Details> & { requestId: string },
): string {
  const { [code]: type = 'about:blank' } = PROBLEM_TYPES;
  const problem = { type, title: reasonOf(status), status, code, requestId: requestId || undefined };
  return `${JSON.stringify({ ...problem, detail: details.message, cause: details.cause })}\n`;
}

function toText(details: Details | undefined): string {
  return details ? `\n${linesOf(details).join('\n')}\n` : '';
}

function linesOf({ message, cause }: Details): string[] {
  return cause === undefined ? [message] : [message, cause];
}

interface Page {
  readonly title: string;
  readonly code: string;
  readonly requestId: string;
  readonly details: Details | undefined;
}

/** The request id may come from the client, and a thrown error may contain any client input. */
function toHtml({ title, code, requestId, details }: Page): string {
  const idLine = requestId && `<p>Request id: <code>${escapeHtml(requestId)}</code></p>\n`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<p>Code: <code>${code}</code></p>
${idLine}${details ? `<pre>${escapeHtml(linesOf(details).join('\n'))}</pre>\n` : ''}</html>
`;
}

/** What failed. */
interface Details {
  readonly message: string;
  /**
   * Development mode only. The thrown value: for an Error its stack and the stacks of its causes.
   */
  readonly cause?: string;
}

function toDetails({ clientMessage }: Fault): Details | undefined {
  return clientMessage === undefined ? undefined : { message: clientMessage };
}

/** All details. Never throws, whatever value a function threw. */
function toDevDetails({ message, cause }: Fault): Details {
  return cause === undefined ? { message } : { message, cause: inspectSafely(cause) };
}

function inspectSafely(cause: unknown): string {
  showSources(cause);
  try {
    return inspect(cause, { maxStringLength: 10_000 });
  } catch {
    // The value may be an object whose getters or `inspect` hook throw.
    return `a value that cannot be displayed (${typeof cause})`;
  }
}
