import type { ReadableStream } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import { HOP_BY_HOP, hasBody } from './headers.ts';
import type { HeaderMap } from './lazy-headers.ts';
import { LazyRequest } from './lazy-request.ts';
import { ReceivedHeaders } from './received-headers.ts';
import { toRequestUrl } from './request-url.ts';
import { toWebBody } from './web-request-body.ts';

/**
 * The request of an exchange as a WHATWG Request. Its body is read from the client only as fast as
 * the function reads it. Throws `bad_request` if Host and target do not form a URL.
 * `url`: that URL, if it is known. `changeHeaders`: sets headers that only the function sees, each once.
 */
export function toWebRequest(
  exchange: Exchange,
  url: Pick<URL, 'href'> = parseRequestUrl(exchange),
  changeHeaders?: (headers: HeaderMap) => void,
): Request {
  const received = { url: url.href, headers: new ReceivedHeaders(exchange.request) };
  const create = (): Request => {
    const request = new WebRequest(exchange, undefined, received);
    changeHeaders?.(request.headers);
    return request as unknown as Request; // its types cannot declare `signal` and `clone`
  };
  return LazyRequest.create(exchange, { ...received, create, changeHeaders });
}

/** The public URL of a request, parsed. Throws `bad_request`. */
export function parseRequestUrl(exchange: Exchange): URL {
  const text = toRequestUrl(exchange);
  try {
    return new URL(text);
  } catch (cause) {
    throw notUrl(text, cause);
  }
}

function notUrl(text: string, cause: unknown): Fault {
  return new Fault('bad_request', { message: `Host and target must form a URL, got ${text}`, cause });
}

/** The types declare `signal` and `clone` as properties, which cannot be overridden. */
const NativeRequest = Request as unknown as new (
  url: string,
  init: RequestInit,
) => Omit<Request, 'signal' | 'clone'> & { clone(): Request };

export interface ReceivedParts {
  readonly url: string;
  readonly headers: ReceivedHeaders;
}

/** A dialect whose requests have more members extends this class. */
export class WebRequest extends NativeRequest {
  readonly #exchange: Exchange;

  /**
   * `toBody` is called only if there is a body. Default: the client's body, which no other code may
   * have read. The third parameter: URL and headers, if those of the exchange may have changed since the function got its request.
   */
  constructor(
    exchange: Exchange,
    toBody: (exchange: Exchange) => ReadableStream = toWebBody,
    { url, headers }: ReceivedParts = { url: toRequestUrl(exchange), headers: new ReceivedHeaders(exchange.request) },
  ) {
    const { request } = exchange;
    try {
      super(
        url,
        mayHaveBody(request) && hasBody(request) ? bodyInit(request, toBody(exchange)) : { method: request.method },
      );
      this.#exchange = exchange;
      copyHeaders(exchange, headers.list, this.headers);
    } catch (cause) {
      throw notUrl(url, cause);
    }
  }

  /**
   * Aborts when the client leaves. A signal given to the constructor costs several times the rest
   * of it, and most functions never read theirs, so this getter replaces it. The price:
   * `fetch(request)` without a body continues when the client leaves, unless the function passes `{
   * signal: request.signal }`.
   */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  override clone(): Request {
    const exchange = this.#exchange;
    return Object.defineProperty(super.clone(), 'signal', { get: () => exchange.signal });
  }
}

/**
 * A Request of GET or HEAD cannot have a body, even if the client sent one. The server drops that
 * body.
 */
function mayHaveBody({ method }: IncomingRequest): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function bodyInit({ method }: IncomingRequest, body: ReadableStream): RequestInit {
  return { method, body, duplex: 'half' };
}

/** The headers of a Request for `exchange` that has received these. */
export function toWebHeaders(exchange: Exchange, received: ReceivedHeaders): Headers {
  const headers = new Headers();
  copyHeaders(exchange, received.list, headers);
  return headers;
}

/**
 * Appends the headers one by one, so that duplicates are joined as the standard says. Hop-by-hop
 * headers are left out: the connection is not the function's, and `fetch(request)` rejects a
 * request that has them.
 */
function copyHeaders({ upgrade }: Exchange, received: readonly string[], headers: Headers): void {
  for (let at = 0; at < received.length; at += 2) {
    const name = received[at] as string; // pairs
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.append(name, received[at + 1] as string);
  }
  // Functions check this header to see whether they can open a WebSocket.
  if (upgrade) headers.set('upgrade', 'websocket');
}
