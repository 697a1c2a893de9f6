import { isIP } from 'node:net';
import type { Exchange } from '../../../contract/exchange.ts';
import type { IncomingRequest } from '../../../contract/http-message.ts';
import type { Params } from '../../../contract/target.ts';
import { hasBody } from '../../../http/headers.ts';
import { ReceivedHeaders } from '../../../http/received-headers.ts';
import { toRequestUrl, toUrlOfPath } from '../../../http/request-url.ts';
import { parseRequestUrl, toWebRequest } from '../../../http/web-request.ts';
import { toWebBody } from '../../../http/web-request-body.ts';
import { addClientHeaders, CLIENT_ADDRESS } from './client-headers.ts';
import { headerOf } from './header-of.ts';
import type { Invocation } from './invocation.ts';
import { REQUEST_ID } from './request-ulids.ts';

export interface ExchangeInvocationParts {
  readonly exchange: Exchange;
  /** Raw, not decoded. */
  readonly params: Params;
  /** The pattern that matched; undefined on the default URL. */
  readonly route: string | undefined;
  readonly requestId: string;
  /** Milliseconds from now; 0: no limit. The caller of the function enforces it. */
  readonly timeoutMs: number;
  /** What the function sees as the path of its request, decoded. Undefined: the path as received. */
  readonly path?: string | undefined;
  /** The file of the function, relative to the site; logged when `waitUntil` work fails. */
  readonly file: string;
}

/**
 * The call of a function whose client waits for the response. Every response to it, errors
 * included, carries the id of the request.
 */
export class ExchangeInvocation implements Invocation {
  readonly params: Params;
  readonly route: string | undefined;
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly received: ReceivedHeaders;
  readonly #exchange: Exchange;
  readonly #file: string;
  readonly #path: string | undefined;
  #request: Request | undefined;
  #body: Promise<Buffer> | undefined;
  #url: string | undefined;
  #parsedUrl: URL | undefined;
  #clientAddress: string | undefined;
  #trustedHeaders: readonly string[] | undefined;

  constructor({ exchange, params, route, requestId, timeoutMs, path, file }: ExchangeInvocationParts) {
    this.#exchange = exchange;
    this.received = new ReceivedHeaders(exchange.request);
    this.#path = path;
    this.#file = file;
    this.params = params;
    this.route = route;
    this.requestId = requestId;
    this.deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    exchange.platformId = { name: REQUEST_ID, value: requestId };
  }

  get method(): string {
    return this.#exchange.request.method;
  }

  get url(): string {
    this.#url ??=
      this.#path === undefined ? toRequestUrl(this.#exchange) : toUrlOfPath(this.#exchange, this.#path).href;
    return this.#url;
  }

  get parsedUrl(): URL {
    this.#parsedUrl ??= this.#path === undefined ? parseRequestUrl(this.#exchange) : new URL(this.url);
    return this.#parsedUrl;
  }

  get rawHeaders(): readonly string[] {
    return this.received.list;
  }

  get trustedHeaders(): readonly string[] {
    if (!this.trusted) return NONE;
    this.#trustedHeaders ??= hasPlatformHeader(this.#exchange.request) ? this.rawHeaders : NONE;
    return this.#trustedHeaders;
  }

  get request(): Request {
    this.#request ??= this.#toRequest();
    return this.#request;
  }

  /**
   * The address that the platform's gateway sent, if a trusted peer forwarded it; else the address
   * that nexthop determined.
   */
  get clientAddress(): string {
    this.#clientAddress ??= this.#findAddress();
    return this.#clientAddress;
  }

  get trusted(): boolean {
    return this.#exchange.client.trusted;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  readBody(): Promise<Buffer> {
    this.#body ??= readWhole(this.#exchange);
    return this.#body;
  }

  noteBuilt(ttlS: number): void {
    this.#exchange.builtForS = ttlS;
  }

  waitUntil(work: unknown): void {
    this.#exchange.pendingWork.add(work, this.#file);
  }

  #toRequest(): Request {
    return toWebRequest(this.#exchange, this.parsedUrl, (headers) => addClientHeaders(headers, this));
  }

  #findAddress(): string {
    const { address, trusted } = this.#exchange.client;
    const forwarded = trusted ? headerOf(this.trustedHeaders, CLIENT_ADDRESS) : '';
    return isIP(forwarded) ? forwarded : address;
  }
}

async function readWhole(exchange: Exchange): Promise<Buffer> {
  if (!hasBody(exchange.request)) return EMPTY;
  const chunks: Uint8Array[] = [];
  for await (const chunk of toWebBody(exchange)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const NONE: readonly string[] = Object.freeze([]);
const OF_PLATFORM = /^(?:x-nf-|section-io-geo-)/i;

/** False: no header is one of the platform, and their list need not be made to look for them. */
function hasPlatformHeader(request: IncomingRequest): boolean {
  const { unknownNames } = request;
  if (unknownNames === undefined || request.get('x-nf-geo') !== undefined) return true;
  return unknownNames.some((name) => OF_PLATFORM.test(name));
}

const EMPTY = Buffer.alloc(0);
