import { Fault } from '../../../contract/fault.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Exports } from '../../loader/compile.ts';
import { type Context, toContext } from './context.ts';
import type { CookieJar } from './cookies.ts';
import type { Run } from './invocation.ts';
import type { Platform } from './platform.ts';
import { requestStore } from './request-store.ts';

/**
 * What calls the default export of a module: a function, or an object with `fetch`. Anything else is found out at the request, as on the platform:
 * then it rejects with `function_error`.
 */
export function toModernRun(exports: Exports, platform: Platform): Run {
  const call = toCall(exports);
  const store = requestStore();

  return async (invocation) => {
    try {
      // First, as it looks whether the URL is one.
      const { request } = invocation;
      const { context, jar } = toContext(invocation, platform);
      const state = store.getStore();
      let result: unknown;
      if (state?.invocation === invocation) {
        state.context = context;
        result = await call(request, context);
      } else {
        result = await store.run({ context, invocation }, call, request, context);
      }
      return toAnswer(result, jar);
    } catch (cause) {
      throw toFault(cause);
    }
  };
}

type Call = (request: Request, context: Context) => unknown;

function toCall(exports: Exports): Call {
  const handler = withoutDefault(exports.default);
  if (typeof handler === 'function') return (request, context) => handler(request, context);
  return (request, context) => {
    if (!hasFetch(handler)) {
      throw new TypeError(
        'the default export is not a function, and has no function called fetch: there is no handler',
      );
    }
    // On the platform `this` is undefined; apps that need theirs work here.
    return handler.fetch(request, context);
  };
}

/** A second one is left by compilers that made CommonJS of a module. */
function withoutDefault(value: unknown): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && 'default' in value ? value.default : value;
}

function hasFetch(value: unknown): value is { fetch: Call } {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function';
}

/** The name under which functions' mistakes of this kind are known on the platform. */
class NetlifyUserError extends Error {
  override readonly name = 'NetlifyUserError';
}

function toAnswer(result: unknown, jar: CookieJar): WebResponse {
  // Cookies that were set are lost, as on the platform.
  if (result === undefined) return NO_CONTENT;
  if (!(result instanceof Response)) {
    const message = "Function returned an unsupported value. Accepted types are 'Response' or 'undefined'";
    throw new Fault('function_bad_answer', { message, cause: new NetlifyUserError(message) });
  }
  const cookies = jar.toFields();
  return cookies.length > 0 ? withCookies(result, cookies) : result;
}

const NO_CONTENT: WebResponse = Object.freeze({
  status: 204,
  headers: [],
  body: null,
  bodyUsed: false,
});

/** A copy: the function may keep its Response and give it to somebody else, or it may be one of `fetch`, whose headers cannot be changed. */
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
  // A function may have taken it away, and then a text would get it back.
  if (!headers.has('content-type')) copy.headers.delete('content-type');
  for (const cookie of cookies) copy.headers.append('set-cookie', cookie);
  return copy;
}

function toFault(cause: unknown): Fault {
  // A function may fail for what is not its doing, such as a body that is too large.
  if (cause instanceof Fault) return cause;
  if (!(cause instanceof Response)) return new Fault('function_error', { cause });
  const message = 'threw a Response, which is an error: only one that is returned is an answer';
  return new Fault('function_error', { message, cause });
}
