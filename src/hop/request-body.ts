import type { Readable } from 'node:stream';
import type { Exchange } from '../contract/exchange.ts';
import { hasBody } from '../http/headers.ts';

/** The body of a request. 'empty': announced by `Content-Length: 0`. 'none': not announced. */
export type RequestBody = 'none' | 'empty' | 'streamed';

/** Methods for which undici announces an empty body. For others it omits `Content-Length: 0`. */
const ANNOUNCED_BY_UNDICI: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY']);

/**
 * Makes undici write `Content-Length: 0` for every method. undici omits a length that is the number
 * 0 (client-h1.js, writeH1), but writes the `size` of a Blob without a `stream` unchanged
 * (writeBlob), so `size` is a string here.
 */
export const EMPTY_BODY = Object.defineProperties(new Blob([]), {
  size: { value: '0' },
  stream: { value: undefined },
}) as unknown as Readable; // undici accepts Blobs, but its types do not say so

/**
 * Returns the kind of body for undici. A chunked body may be empty: then the promise resolves at
 * its first byte or its end, and no byte is lost. It also resolves if the client leaves earlier.
 */
export function toRequestBody(exchange: Exchange): RequestBody | Promise<RequestBody> {
  const { method = 'GET', headers } = exchange.request;
  const isAnnounced = ANNOUNCED_BY_UNDICI.has(method);
  if (hasBody(exchange.request)) {
    return isAnnounced || headers['transfer-encoding'] === undefined ? 'streamed' : awaitFirstByte(exchange);
  }
  return isAnnounced || headers['content-length'] === undefined ? 'none' : 'empty';
}

function awaitFirstByte(exchange: Exchange): Promise<RequestBody> {
  const { request } = exchange;
  const { promise, resolve } = Promise.withResolvers<RequestBody>();
  const begin = (chunk: Buffer): void => {
    stop();
    request.pause();
    request.unshift(chunk);
    resolve('streamed');
  };
  const end = (): void => {
    stop();
    resolve('empty');
  };
  const stop = (): void => {
    request.off('data', begin).off('end', end).off('close', end);
  };
  exchange.admitBody();
  request.on('data', begin).on('end', end).on('close', end);
  return promise;
}
