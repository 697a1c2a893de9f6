import type { Exchange } from '../../../contract/exchange.ts';
import type { FilterBody } from '../../../http/filter-body.ts';
import { type EdgeOneRequest, toEdgeOneRequest } from '../functions/edgeone-request.ts';
import type { Geo } from '../functions/geo.ts';
import { geoOf } from '../functions/platform.ts';
import { next, redirect, rewrite } from './middleware-response.ts';

export interface MiddlewareContextParts {
  readonly exchange: Exchange;
  readonly body: FilterBody;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the middleware sees as the path of its request. Undefined: the path as received. */
  readonly path: string | undefined;
  /** File of the middleware. Logged when work given to `waitUntil` fails. */
  readonly file: string;
}

/**
 * The argument of a middleware. Its functions can be destructured. `request`, `urlInfo` and `env`
 * are created on first use.
 */
export class MiddlewareContext {
  readonly next = next;
  readonly redirect = redirect;
  readonly rewrite = rewrite;
  readonly #parts: MiddlewareContextParts;
  #request: EdgeOneRequest | undefined;
  #urlInfo: URL | undefined;
  #env: Record<string, string | undefined> | undefined;

  constructor(parts: MiddlewareContextParts) {
    this.#parts = parts;
  }

  get request(): EdgeOneRequest {
    const { exchange, body, path } = this.#parts;
    this.#request ??= toEdgeOneRequest(exchange, { toStream: () => body.open(), path });
    return this.#request;
  }

  /** The URL of the request. A copy: code may change it and pass it to `rewrite` or `redirect`. */
  get urlInfo(): URL {
    this.#urlInfo ??= new URL(this.request.url);
    return this.#urlInfo;
  }

  get env(): Record<string, string | undefined> {
    this.#env ??= { ...this.#parts.env };
    return this.#env;
  }

  get geo(): Geo {
    return geoOf(this.#parts.exchange);
  }

  get clientIp(): string {
    return this.#parts.exchange.client.address;
  }

  /** Delays the end of the process until the promise settles. */
  get waitUntil(): (work: unknown) => void {
    const { exchange, file } = this.#parts;
    return (work) => exchange.pendingWork.add(work, file);
  }
}
