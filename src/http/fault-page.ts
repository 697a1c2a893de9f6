import { STATUS_CODES } from 'node:http';
import type { Fault } from '../fault.ts';
import { negotiate } from './negotiate.ts';

export interface FaultPage {
  readonly contentType: string;
  readonly body: string;
}

/** In this order where the client does not care. */
const FORMATS = ['text/plain', 'text/html', 'application/json'] as const;
/** The same for what a function got wrong: who calls functions reads JSON, and so do the platforms answer. */
const FUNCTION_FORMATS = ['application/json', 'text/plain', 'text/html'] as const;

/**
 * What a client is told of a fault: status, code and request id, in the format it likes best, and nothing of what went wrong
 * inside. `accept`: its Accept field, '' for none. `requestId`: '' if there is none.
 */
export function toFaultPage({ status, code, origin }: Fault, requestId: string, accept: string): FaultPage {
  const title = `${status} ${reasonOf(status)}`;
  switch (negotiate(accept, origin === 'function' ? FUNCTION_FORMATS : FORMATS)) {
    case 'application/json':
      return {
        contentType: 'application/json',
        body: `${JSON.stringify({ status, code, requestId: requestId || undefined })}\n`,
      };
    case 'text/html':
      return { contentType: 'text/html; charset=utf-8', body: toHtml(title, code, requestId) };
    default: {
      const idLine = requestId && `request id: ${requestId}\n`;
      return { contentType: 'text/plain; charset=utf-8', body: `${title}\ncode: ${code}\n${idLine}` };
    }
  }
}

/** A dialect may answer a status that has no name. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

function toHtml(title: string, code: string, requestId: string): string {
  const idLine = requestId && `<p>Request id: <code>${escapeHtml(requestId)}</code></p>\n`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<p>Code: <code>${code}</code></p>
${idLine}</html>
`;
}

/** The id may be the client's own. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
