import type { Exchange } from '../contract/exchange.ts';
import { CapturedResponse } from '../http/captured-response.ts';
import { ClientResponse } from '../wire/client-response.ts';
import { nominatedBy } from '../wire/connection-headers.ts';
import { passResponseHead } from '../wire/forwarded-head.ts';
import { CONTENT_TYPE, SECTION_IO_ID, SECTION_IO_TAG, X_REQUEST_ID } from '../wire/header-lines.ts';
import type { ResponseHead } from '../wire/response-head.ts';

/** Writes the head of the hop's response to the client, with the id of the request, and notes on the exchange what the access line needs. */
export function writeResponseHead(head: ResponseHead, exchange: Exchange): void {
  const { response } = exchange;
  exchange.upstreamStatus = STATUS_TEXTS[head.status] as string; // of three digits
  exchange.contentType = head.value(CONTENT_TYPE) ?? '';
  exchange.sectionTag = head.value(SECTION_IO_TAG) ?? '';
  // Most heads are forwarded as they were received. Their lines are copied in one piece.
  const isCaptured = response instanceof CapturedResponse;
  if ((isCaptured || response instanceof ClientResponse) && !exchange.changesHead) {
    const { requestId } = exchange;
    const text = passResponseHead(
      head,
      hasRequestId(head, exchange) ? '' : `${requestId.name}: ${requestId.value}\r\n`,
    );
    if (text) {
      if (isCaptured) {
        const { status, reason } = head;
        response.headText({ status, reason, text, toHeaders: () => toClientHeaders(head, exchange) });
      } else response.headText(head.status, text);
      return;
    }
  }
  exchange.writeHead(head.status, head.reason, toClientHeaders(head, exchange));
}

/** The headers (flat) of the hop's response for the client, with the id of the request and without those that `Connection` nominates. */
export function toClientHeaders(head: ResponseHead, exchange: Exchange): string[] {
  const { headers, connection } = head;
  const { requestId } = exchange;
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const lowerName = name.toLowerCase();
    // These are for the connection to the hop.
    if (lowerName === 'connection' || nominated?.has(lowerName)) continue;
    kept.push(name, headers[at + 1] as string);
  }
  if (!hasRequestId(head, exchange)) kept.push(requestId.name, requestId.value);
  return kept;
}

const STATUS_TEXTS: readonly string[] = Array.from({ length: 1000 }, (_, status) => String(status));

function hasRequestId(head: ResponseHead, { requestId }: Exchange): boolean {
  return head.has(requestId.name === 'x-request-id' ? X_REQUEST_ID : SECTION_IO_ID);
}
