import { markNext, markRewrite, toMarkedBody } from './continuation.ts';
import { ResponseCookies } from './response-cookies.ts';

type Fields = ConstructorParameters<typeof Headers>[0];

/** What `next` may be told. */
export interface NextOptions {
  /** Added to the answer, and set on the request if `request.headers` is not given. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** The types call `body` a field, which could not be overridden. */
const Base = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => Omit<Response, 'body'> & { get body(): Response['body'] };

/** What `next`, `redirect` and `rewrite` give a middleware to return: a Response with cookies, whose headers may still be changed. */
export class MiddlewareResponse extends Base {
  #cookies: ResponseCookies | undefined;

  constructor(init: ResponseInit) {
    super(null, init);
  }

  get cookies(): ResponseCookies {
    this.#cookies ??= new ResponseCookies(this.headers);
    return this.#cookies;
  }
}

/** One with which the request goes on. */
class PassingResponse extends MiddlewareResponse {
  #body: ReadableStream | undefined;

  override get body(): Response['body'] {
    this.#body ??= toMarkedBody(this.headers);
    return this.#body;
  }
}

/** The request goes on. */
export function next({ headers, request }: NextOptions = {}): MiddlewareResponse {
  const response = new PassingResponse(headers === undefined ? {} : { headers });
  markNext(response.headers, new Headers(request?.headers ?? headers));
  return response;
}

/** The request goes on as one for another path. */
export function rewrite(url: string | URL): MiddlewareResponse {
  const response = new PassingResponse({});
  markRewrite(response.headers, String(url));
  return response;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The client is led elsewhere. Throws a RangeError for a status that leads nowhere. */
export function redirect(url: string | URL, status = 307): MiddlewareResponse {
  if (!REDIRECT_STATUSES.has(status)) throw new RangeError(`the status of a redirect cannot be ${status}`);
  // As an URL of ASCII, but relative if it was given so.
  const location = String(url).replaceAll(/[^!-~]+/g, encodeURIComponent);
  return new MiddlewareResponse({ status, headers: { Location: location } });
}
