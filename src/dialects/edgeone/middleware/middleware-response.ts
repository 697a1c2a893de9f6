import { markNext, markRewrite, toMarkedBody } from './continuation.ts';
import { ResponseCookies } from './response-cookies.ts';

type Fields = ConstructorParameters<typeof Headers>[0];

/** Options of `next`. */
export interface NextOptions {
  /** Headers to add to the response. Also set on the request if `request.headers` is absent. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** TypeScript declares `body` and `headers` as properties, which a getter cannot override. */
const Base = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => Omit<Response, 'body' | 'headers' | 'clone'> & {
  get body(): Response['body'];
  get headers(): Headers;
  clone(): Response;
};

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
  /** Its mark is set when code looks at the headers: most code only returns what `next()` gave it. */
  #isUnmarked: boolean;

  constructor(init: ResponseInit, isUnmarked: boolean) {
    super(init);
    this.#isUnmarked = isUnmarked;
  }

  static isUntouched(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #isUnmarked in value && value.#isUnmarked;
  }

  override get headers(): Headers {
    if (this.#isUnmarked) {
      this.#isUnmarked = false;
      markNext(super.headers, []);
    }
    return super.headers;
  }

  /** The native method copies the headers without reading this property. */
  override clone(): Response {
    void this.headers;
    return super.clone();
  }

  override get body(): Response['body'] {
    this.#body ??= toMarkedBody(this.headers);
    return this.#body;
  }
}

const NO_INIT: ResponseInit = Object.freeze({});

/** Whether the value is what `next()` gave, without options, and nothing has looked at its headers: the request continues as it is. */
export function isUntouchedNext(value: unknown): boolean {
  return ContinueResponse.isUntouched(value);
}

/** Lets the request continue. */
export function next({ headers, request }: NextOptions = {}): MiddlewareResponse {
  const onRequest = request?.headers ?? headers;
  if (onRequest === undefined) return new ContinueResponse(NO_INIT, true);
  const response = new ContinueResponse(headers === undefined ? NO_INIT : { headers }, false);
  markNext(response.headers, new Headers(onRequest));
  return response;
}

/** Lets the request continue with another path. */
export function rewrite(url: string | URL): MiddlewareResponse {
  const response = new ContinueResponse(NO_INIT, false);
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
