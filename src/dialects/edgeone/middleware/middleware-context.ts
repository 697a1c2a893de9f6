import type { Exchange } from '../../../contract/exchange.ts';
import { EdgeOneRequest } from '../functions/edgeone-request.ts';
import type { Geo } from '../functions/geo.ts';
import { geoOf } from '../functions/platform.ts';
import type { MiddlewareBody } from './middleware-body.ts';
import { next, redirect, rewrite } from './middleware-response.ts';

export interface MiddlewareContextParts {
  readonly exchange: Exchange;
  readonly body: MiddlewareBody;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file; stands in the log when work given to `waitUntil` fails. */
  readonly file: string;
}

/** What a middleware is called with. Its functions may be destructured; request, URL and variables are made when they are first asked for. */
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
    const { exchange, body } = this.#parts;
    this.#request ??= new EdgeOneRequest(exchange, { toStream: () => body.open() });
    return this.#request;
  }

  /** The parts of the request's URL; a copy, which may be changed and given to `rewrite` or `redirect`. */
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

  /** Keeps the process from ending before the promise settles. */
  get waitUntil(): (work: unknown) => void {
    const { exchange, file } = this.#parts;
    return (work) => exchange.pendingWork.add(work, file);
  }
}
