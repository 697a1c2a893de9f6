import type { Exchange } from '../contract/exchange.ts';
import { hasBody } from './headers.ts';

/**
 * Counts the body of a request that somebody else reads, in whatever way: by data events, a pipe or async iteration. Node's parser
 * hands every piece to `push` (_http_common.js, parserOnBody), which is where they are counted. When the body is larger than is taken,
 * `onTooLarge` is called once with the Fault, and the reader gets nothing more of it.
 */
export function countRawBody(exchange: Exchange, onTooLarge: (fault: unknown) => void): void {
  const { request } = exchange;
  if (!hasBody(request)) return;
  const { push } = request;
  let refused = false;
  request.push = (chunk: Buffer | null): boolean => {
    // True lets the parser go on, so that the connection can end in order.
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
