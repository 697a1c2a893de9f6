import type { Readable } from 'node:stream';
import type { Exchange } from '../contract/exchange.ts';
import { hasBody } from '../http/headers.ts';

/** What follows the head of a request. An 'empty' body is announced by `Content-Length: 0`; 'none' is not announced at all. */
export type RequestBody = 'none' | 'empty' | 'streamed';

/** Methods for which undici announces an empty body by itself; for any other it leaves `Content-Length: 0` out. */
const ANNOUNCED_BY_UNDICI: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY']);

/**
 * Makes undici write `Content-Length: 0`, whatever the method: it drops a length that is the number 0 (client-h1.js, writeH1), but writes the
 * size of a Blob without a `stream` as it stands (writeBlob), so the size is text here.
 */
export const EMPTY_BODY = Object.defineProperties(new Blob([]), {
  size: { value: '0' },
  stream: { value: undefined },
}) as unknown as Readable; // undici takes Blobs, though its types do not say so

/**
 * What undici has to be given as the body of a request. Of a chunked body that may be empty this is known, and the promise resolves, with its
 * first byte or its end; nothing of it is lost. It resolves, too, when the client leaves before.
 */
export function toRequestBody(exchange: Exchange): RequestBody | Promise<RequestBody> {
  const { method = 'GET', headers } = exchange.request;
  const isAnnounced = ANNOUNCED_BY_UNDICI.has(method);
  if (hasBody(exchange.request)) {
    return isAnnounced || headers['transfer-encoding'] === undefined ? 'streamed' : awaitBeginning(exchange);
  }
  return isAnnounced || headers['content-length'] === undefined ? 'none' : 'empty';
}

function awaitBeginning(exchange: Exchange): Promise<RequestBody> {
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
