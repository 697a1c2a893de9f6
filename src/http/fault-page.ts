import { STATUS_CODES } from 'node:http';
import { inspect } from 'node:util';
import type { Fault, FaultPage } from '../contract/fault.ts';
import { negotiate } from './negotiate.ts';

export interface FaultPageOptions {
  /** '' if there is none. */
  readonly requestId: string;
  /** The client's Accept field, '' for none. */
  readonly accept: string;
  /** The developer asks: what a function got wrong is told, with its stack. */
  readonly dev: boolean;
}

/** In this order where the client does not care. */
const FORMATS = ['text/plain', 'text/html', 'application/json'] as const;
/** The same for what a function got wrong: who calls functions reads JSON, and so do the platforms answer. */
const FUNCTION_FORMATS = ['application/json', 'text/plain', 'text/html'] as const;

/**
 * What a client is told of a fault: status, code, request id and what the fault has for it to know, in the format it likes best, and nothing of what went wrong
 * inside, unless it is the developer. Anybody else gets the page that came with the fault, if one did.
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
    case 'text/html':
      return { contentType: 'text/html; charset=utf-8', body: toHtml({ title, code, requestId, details }) };
    default: {
      const idLine = requestId && `request id: ${requestId}\n`;
      return { contentType: 'text/plain; charset=utf-8', body: `${title}\ncode: ${code}\n${idLine}${toText(details)}` };
    }
  }
}

/** A dialect may answer a status that has no name. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
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

/** The id may be the client's own, and what a function throws may hold anything of its client's. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What went wrong. */
interface Details {
  readonly message: string;
  /** For the developer alone. What was thrown: of an Error its stack, and those of its causes. */
  readonly cause?: string;
}

function toDetails({ clientMessage }: Fault): Details | undefined {
  return clientMessage === undefined ? undefined : { message: clientMessage };
}

/** In full. Never throws, whatever a function threw. */
function toDevDetails({ message, cause }: Fault): Details {
  return cause === undefined ? { message } : { message, cause: spell(cause) };
}

function spell(cause: unknown): string {
  try {
    return inspect(cause, { maxStringLength: 10_000 });
  } catch {
    // It may be anything, also an object that fails when somebody looks at it.
    return `something that cannot be shown (${typeof cause})`;
  }
}
