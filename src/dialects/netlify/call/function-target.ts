import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import { TextResponse } from '../../../http/text-response.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { CallLimits } from './call-limits.ts';
import { ExchangeInvocation } from './exchange-invocation.ts';
import type { Invocation, Run } from './invocation.ts';
import type { Platform } from './platform.ts';
import { type RequestState, requestStore } from './request-store.ts';

export interface FunctionTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly run: Run;
  /**
   * The pattern of its route, the value of `context.path` and `event.route`; undefined on the
   * default URL.
   */
  readonly route: string | undefined;
  readonly limits: CallLimits;
  readonly platform: Platform;
}

/**
 * A function whose client waits for the response. It always responds, but passes requests to
 * upgrade to a WebSocket.
 */
export class FunctionTarget implements Target {
  readonly name: string;
  readonly #parts: FunctionTargetParts;
  readonly #store: AsyncLocalStorage<RequestState>;

  constructor(parts: FunctionTargetParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#store = requestStore();
  }

  answer(exchange: Exchange, params: Params): Answer {
    if (exchange.upgrade) return 'passed';
    const { route, limits, platform, name: file } = this.#parts;
    const requestId = platform.requestIds.of(exchange);
    const { timeoutMs } = limits;
    const invocation = new ExchangeInvocation({ exchange, params, route, requestId, timeoutMs, file });
    limits.call.limitBody(exchange);
    // A response body may be generated while it is written, so writing is part of the call.
    const { purging } = platform;
    return this.#store.run({ context: undefined, invocation, purging }, () => this.#serve(exchange, invocation));
  }

  #serve(exchange: Exchange, invocation: Invocation): Answer {
    const calledAtMs = performance.now();
    exchange.noteRun();
    let response: ReturnType<Run> | undefined;
    try {
      response = this.#parts.run(invocation);
      if (!(response instanceof Promise) && TextResponse.holdsText(response)) {
        return writeWebResponse(exchange, response, { ownReason: true });
      }
    } catch (error) {
      throw explain(error, response as WebResponse | undefined); // with a promise nothing throws here
    }
    return this.#await(exchange, response, calledAtMs);
  }

  async #await(exchange: Exchange, result: ReturnType<Run>, calledAtMs: number): Promise<Outcome> {
    const { call, stream } = this.#parts.limits;
    let response: WebResponse | undefined;
    try {
      response = result instanceof Promise ? await call.inTime(exchange, result) : result;
      const watch = TextResponse.holdsText(response) ? undefined : stream.watch(exchange, calledAtMs);
      return await writeWebResponse(exchange, response, { watch, ownReason: true });
    } catch (error) {
      throw explain(error, response);
    }
  }
}

/**
 * Adds an explanation page to an error that comes from a header value beyond Latin-1, which a
 * `Response` cannot carry. The platform sends this explanation to the client too, because the
 * author sees the mistake nowhere else.
 */
function explain(error: unknown, response: WebResponse | undefined): unknown {
  if (!(error instanceof Fault)) return error;
  const message = error.code === 'function_bad_answer' ? response && describeHeader(response) : describeThrown(error);
  if (message === undefined) return error;
  const advice =
    'Encode its value, for example with encodeURIComponent() or as base64, and decode it where it is read.';
  const body = `The function's response cannot be sent: ${message}.\n${advice}\n`;
  return new Fault(error.code, {
    message,
    cause: error.cause,
    page: { contentType: 'text/plain; charset=utf-8', body },
  });
}

const BEYOND_LATIN1 = /[^\x00-\xff]/;

/** Only a Response class of a package or of the function itself lets such a value in. */
function describeHeader({ headers }: WebResponse): string | undefined {
  for (const [name, value] of headers) {
    if (BEYOND_LATIN1.test(value))
      return `the header ${JSON.stringify(name)} of the Response has characters beyond Latin-1`;
  }
  return undefined;
}

/** The built-in classes throw where the function sets the header. */
function describeThrown({ code, cause }: Fault): string | undefined {
  const isHeaderError =
    code === 'function_error' && cause instanceof TypeError && /ByteString.*greater than 255/.test(cause.message);
  return isHeaderError ? 'the function sets a header whose value has characters beyond Latin-1' : undefined;
}
