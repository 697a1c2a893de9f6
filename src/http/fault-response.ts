import type { Exchange } from '../contract/exchange.ts';
import type { Fault, FaultCode, FaultPage } from '../contract/fault.ts';
import { reasonOf, toFaultPage } from './fault-page.ts';

export interface FaultResponseOptions {
  /** See `toFaultPage`. */
  readonly dev?: boolean;
  /** Sent instead of every other page. */
  readonly page?: FaultPage | undefined;
}

/**
 * Sends the error response of a fault. This is the only function that does. If nothing was sent
 * yet: status, code and request id. If the head was already sent: cuts the connection so that the
 * client can see that the response is incomplete. If the client has left: nothing. Sets
 * `exchange.fault`. Never throws.
 */
export function answerFault(exchange: Exchange, fault: Fault, options: FaultResponseOptions = {}): void {
  const { response, left } = exchange;
  exchange.fault = fault;
  if (left || fault.code === 'client_left') response.abort();
  // A complete response that is still being sent is not cut because of a later error.
  else if (response.isEnded) return;
  else if (response.isHeadWritten) response.abort();
  else write(exchange, fault, options);
}

function write(exchange: Exchange, fault: Fault, { dev = false, page: given }: FaultResponseOptions): void {
  const { request, response, requestId, platformId } = exchange;
  try {
    const accept = request.get('accept') ?? '';
    const page = given ?? toFaultPage(fault, { requestId: requestId.value, accept, dev });
    const headers = headersOf(fault, page);
    headers.push(requestId.name, requestId.value);
    if (platformId) headers.push(platformId.name, platformId.value);
    // The client must not send another request to a server that ends.
    if (fault.code === 'draining') response.closeBehind();
    response.head(fault.status, reasonOf(fault.status), headers);
    exchange.contentType = page.contentType;
    response.end(page.body);
  } catch {
    // A header of the fault cannot be written, e.g. a line break in a function's text. Closing is
    // better than half a response.
    response.abort();
  }
}

/**
 * Retry-After in seconds (RFC 9110 10.2.3): the time after which the reconnection to a store is
 * noticed.
 */
const RETRY_AFTER: Readonly<Partial<Record<FaultCode, string>>> = { store_unavailable: '1' };

function headersOf({ code, headers }: Fault, { contentType, body }: FaultPage): string[] {
  const retryAfter = RETRY_AFTER[code];
  return [
    ...['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)), 'Cache-Control', 'no-store'],
    ...(retryAfter === undefined ? [] : ['Retry-After', retryAfter]),
    ...headers,
  ];
}
