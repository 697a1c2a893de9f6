import type { IncomingMessage } from 'node:http';
import type { ReadableStream } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { HOP_BY_HOP, hasBody } from './headers.ts';
import { toRequestUrl } from './request-url.ts';
import { toWebBody } from './web-request-body.ts';

/**
 * The request of an exchange as a WHATWG Request. Its body is read from the client no faster than the function reads it,
 * and not at all unless it does. Throws `bad_request` if Host and target make no URL.
 */
export function toWebRequest(exchange: Exchange): Request {
  return new WebRequest(exchange);
}

/** The types call `signal` and `clone` fields, which could not be overridden. */
const NativeRequest = Request as unknown as new (
  url: string,
  init: RequestInit,
) => Omit<Request, 'signal' | 'clone'> & { clone(): Request };

/** A dialect that gives its requests more than the standard does extends this. */
export class WebRequest extends NativeRequest {
  readonly #exchange: Exchange;

  /** `toBody` is asked only if there is a body; default: the client's, of which nobody else may have read. */
  constructor(exchange: Exchange, toBody: (exchange: Exchange) => ReadableStream = toWebBody) {
    const { request } = exchange;
    const url = toRequestUrl(exchange);
    try {
      super(
        url,
        mayHaveBody(request) && hasBody(request)
          ? bodyInit(request, toBody(exchange))
          : { method: request.method ?? 'GET' },
      );
      this.#exchange = exchange;
      copyHeaders(request.rawHeaders, this.headers);
      // By this a function tells whether it may open a WebSocket.
      if (exchange.upgrade) this.headers.set('upgrade', 'websocket');
    } catch (cause) {
      throw new Fault('bad_request', { message: `Host and target make no URL: ${url}`, cause });
    }
  }

  /**
   * Aborts when the client leaves. A signal given to the constructor of Request costs several times the whole rest of it,
   * and most functions never look at theirs. The price: a `fetch(request)` of a request without body goes on when the
   * client leaves, unless it is told `{ signal: request.signal }`.
   */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  override clone(): Request {
    const exchange = this.#exchange;
    return Object.defineProperty(super.clone(), 'signal', { get: () => exchange.signal });
  }
}

/** A Request of GET or HEAD can have no body, whatever is on the wire; Node then drops it behind the answer. */
function mayHaveBody({ method }: IncomingMessage): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function bodyInit({ method = 'GET' }: IncomingMessage, body: ReadableStream): RequestInit {
  return { method, body, duplex: 'half' };
}

/**
 * One by one, so that duplicates are joined as the standard says. Fields about the connection stay behind: it is not the
 * function's, and `fetch(request)` refuses a request that carries them.
 */
function copyHeaders(fields: readonly string[], headers: Headers): void {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.append(name, fields[at + 1] as string);
  }
}
