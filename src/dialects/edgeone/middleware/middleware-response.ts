import { ResponseCookies } from './response-cookies.ts';

/** How a request goes on after a middleware. */
export interface Passage {
  /** The URL or path that it is for from now on; undefined: as before. */
  readonly rewrite?: string;
  /** Fields that its request gets. */
  readonly requestFields: Iterable<readonly [name: string, value: string]>;
}

type Fields = ConstructorParameters<typeof Headers>[0];

/** What `next` may be told. */
export interface NextOptions {
  /** Added to the answer, and set on the request if `request.headers` is not given. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** What `next`, `redirect` and `rewrite` give a middleware to return: a Response with cookies, whose headers may still be changed. */
export class MiddlewareResponse extends Response {
  readonly #passage: Passage | undefined;
  #cookies: ResponseCookies | undefined;

  constructor(init: ResponseInit, passage: Passage | undefined) {
    super(null, init);
    this.#passage = passage;
  }

  get cookies(): ResponseCookies {
    this.#cookies ??= new ResponseCookies(this.headers);
    return this.#cookies;
  }

  /** Undefined for whatever is an answer itself. */
  static passageOf(response: unknown): Passage | undefined {
    const isOurs = typeof response === 'object' && response !== null && #passage in response;
    return isOurs ? response.#passage : undefined;
  }
}

/** The request goes on. */
export function next({ headers, request }: NextOptions = {}): MiddlewareResponse {
  const requestFields = new Headers(request?.headers ?? headers);
  return new MiddlewareResponse(headers === undefined ? {} : { headers }, { requestFields });
}

/** The request goes on as one for another path. */
export function rewrite(url: string | URL): MiddlewareResponse {
  return new MiddlewareResponse({}, { rewrite: String(url), requestFields: [] });
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The client is led elsewhere. Throws a RangeError for a status that leads nowhere. */
export function redirect(url: string | URL, status = 307): MiddlewareResponse {
  if (!REDIRECT_STATUSES.has(status)) throw new RangeError(`the status of a redirect cannot be ${status}`);
  // As an URL of ASCII, but relative if it was given so.
  const location = String(url).replaceAll(/[^!-~]+/g, encodeURIComponent);
  return new MiddlewareResponse({ status, headers: { Location: location } }, undefined);
}
