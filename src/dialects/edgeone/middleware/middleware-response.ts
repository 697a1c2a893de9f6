import { markNext, markRewrite, toMarkedBody } from './continuation.ts';
import { ResponseCookies } from './response-cookies.ts';

type Fields = ConstructorParameters<typeof Headers>[0];

/** Options of `next`. */
export interface NextOptions {
  /** Headers to add to the response. Also set on the request if `request.headers` is absent. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** TypeScript declares `body` as a property, which a getter cannot override. */
const Base = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => Omit<Response, 'body'> & { get body(): Response['body'] };

/**
 * The result of `next`, `redirect` and `rewrite`: a Response with `cookies` and mutable headers.
 */
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

/** The result of `next` and `rewrite`: the request continues. */
class ContinueResponse extends MiddlewareResponse {
  #body: ReadableStream | undefined;

  override get body(): Response['body'] {
    this.#body ??= toMarkedBody(this.headers);
    return this.#body;
  }
}

/** Lets the request continue. */
export function next({ headers, request }: NextOptions = {}): MiddlewareResponse {
  const response = new ContinueResponse(headers === undefined ? {} : { headers });
  markNext(response.headers, new Headers(request?.headers ?? headers));
  return response;
}

/** Lets the request continue with another path. */
export function rewrite(url: string | URL): MiddlewareResponse {
  const response = new ContinueResponse({});
  markRewrite(response.headers, String(url));
  return response;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Redirects the client. Throws a RangeError for a status that is not a redirect. */
export function redirect(url: string | URL, status = 307): MiddlewareResponse {
  if (!REDIRECT_STATUSES.has(status))
    throw new RangeError(`redirect needs a status of ${[...REDIRECT_STATUSES].join(', ')}, got ${status}`);
  // ASCII only; a relative URL stays relative.
  const location = String(url).replaceAll(/[^!-~]+/g, encodeURIComponent);
  return new MiddlewareResponse({ status, headers: { Location: location } });
}
