import { Fault } from '../../../contract/fault.ts';
import { isPromise } from '../../../contract/is-promise.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Exports } from '../../loader/compile.ts';
import { type Context, toContext } from './context.ts';
import type { CookieJar } from './cookies.ts';
import type { Run } from './invocation.ts';
import type { Platform } from './platform.ts';
import { requestStore } from './request-store.ts';

/**
 * Creates the caller for the default export of a module: a function, or an object with `fetch`.
 * With anything else each call rejects with `function_error`, as on the platform.
 */
export function toModernRun(exports: Exports, platform: Platform): Run {
  const call = toCall(exports);
  const store = requestStore();

  return (invocation) => {
    try {
      // Read first, because it throws a Fault if the URL is invalid.
      const { request } = invocation;
      const { context, jar } = toContext(invocation, platform);
      const state = store.getStore();
      let result: unknown;
      if (state?.invocation === invocation) {
        state.context = context;
        result = call(request, context);
      } else {
        result = store.run({ context, invocation, purging: platform.purging }, call, request, context);
      }
      return isPromise(result) ? awaitResponse(result, jar) : toResponse(result, jar);
    } catch (cause) {
      throw toFault(cause);
    }
  };
}

async function awaitResponse(result: PromiseLike<unknown>, jar: CookieJar): Promise<WebResponse> {
  try {
    return toResponse(await result, jar);
  } catch (cause) {
    throw toFault(cause);
  }
}

type Call = (request: Request, context: Context) => unknown;

function toCall(exports: Exports): Call {
  const handler = defaultOf(exports);
  if (typeof handler === 'function') return (request, context) => handler(request, context);
  return (request, context) => {
    if (!hasFetch(handler)) {
      throw new TypeError(
        'the default export is not a function, and has no function called fetch: there is no handler',
      );
    }
    // On the platform `this` is undefined. Here apps that need `this` work too.
    return handler.fetch(request, context);
  };
}

/**
 * The default export of a module. Compilers that turn a module into CommonJS leave a second
 * `default` inside the first.
 */
export function defaultOf({ default: value }: Exports): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && 'default' in value ? value.default : value;
}

function hasFetch(value: unknown): value is { fetch: Call } {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function';
}

/** The platform's error name for invalid return values. */
class NetlifyUserError extends Error {
  override readonly name = 'NetlifyUserError';
}

function toResponse(result: unknown, jar: CookieJar): WebResponse {
  // Without a Response the cookies that were set are lost, as on the platform.
  if (result === undefined) return NO_CONTENT;
  if (!(result instanceof Response)) {
    const message = "Function returned an unsupported value. Accepted types are 'Response' or 'undefined'";
    throw new Fault('function_bad_answer', { message, cause: new NetlifyUserError(message) });
  }
  const cookies = jar.toSetCookieValues();
  return cookies.length > 0 ? withCookies(result, cookies) : result;
}

const NO_CONTENT: WebResponse = Object.freeze({
  status: 204,
  headers: [],
  body: null,
  bodyUsed: false,
});

/**
 * A copy, because the function may reuse its Response, and the headers of a `fetch` response are
 * immutable.
 */
function withCookies(response: Response, cookies: readonly string[]): WebResponse {
  const { status, headers } = response;
  const text = TextResponse.take(response);
  if (text === undefined) {
    const { body, bodyUsed } = response;
    return {
      status,
      headers: [...headers, ...cookies.map((cookie) => ['set-cookie', cookie] as const)],
      body,
      bodyUsed,
      copyOf: response,
    };
  }
  const copy = new TextResponse(text, { status, headers });
  // The function may have deleted the content type; the new TextResponse would set a default one.
  if (!headers.has('content-type')) copy.headers.delete('content-type');
  for (const cookie of cookies) copy.headers.append('set-cookie', cookie);
  return copy;
}

function toFault(cause: unknown): Fault {
  // A Fault has another cause than the function, such as a body that is too large.
  if (cause instanceof Fault) return cause;
  if (!(cause instanceof Response)) return new Fault('function_error', { cause });
  const message = 'threw a Response, which is an error: only one that is returned is an answer';
  return new Fault('function_error', { message, cause });
}
