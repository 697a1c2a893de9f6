import type { Exchange } from '../contract/exchange.ts';
import { hasBody } from './headers.ts';

/**
 * Counts the body of a request that other code reads (an app, a host), by data events, a pipe or
 * async iteration. Node's parser passes every chunk to `push` (_http_common.js, parserOnBody), so
 * they are counted there. If the body exceeds the limit, `onTooLarge` is called once with the
 * Fault, and the reader gets no more chunks.
 */
export function countRawBody(exchange: Exchange, onTooLarge: (fault: unknown) => void): void {
  const { request } = exchange;
  if (!hasBody(request)) return;
  const { push } = request;
  let refused = false;
  request.push = (chunk: Buffer | null): boolean => {
    // True keeps the parser reading, so that the connection can close normally.
    if (refused) return true;
    try {
      if (chunk !== null) exchange.countBody(chunk.length);
    } catch (fault) {
      refused = true;
      onTooLarge(fault);
      return true;
    }
    return push.call(request, chunk);
  };
}
