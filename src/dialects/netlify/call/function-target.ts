import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
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
  /** The pattern under which it is reached, as `context.path` and `event.route` say it; undefined on the default URL. */
  readonly route: string | undefined;
  readonly limits: CallLimits;
  readonly platform: Platform;
}

/** A function for whose answer the client waits. It always answers; a WebSocket it cannot open. */
export class FunctionTarget implements Target {
  readonly name: string;
  readonly #parts: FunctionTargetParts;
  readonly #store: AsyncLocalStorage<RequestState>;

  constructor(parts: FunctionTargetParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#store = requestStore();
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const { route, limits, platform, name: file } = this.#parts;
    const requestId = platform.requestIds.of(exchange);
    const { timeoutMs } = limits;
    const invocation = new ExchangeInvocation({ exchange, params, route, requestId, timeoutMs, file });
    limits.call.limitBody(exchange);
    // The body of the answer is made while it is written, so that is part of the call.
    await this.#store.run({ context: undefined, invocation }, () => this.#serve(exchange, invocation));
    return 'answered';
  }

  async #serve(exchange: Exchange, invocation: Invocation): Promise<void> {
    const { run, limits, platform } = this.#parts;
    const calledAtMs = performance.now();
    const answer = await limits.call.inTime(exchange, run(invocation));
    try {
      await writeWebResponse(exchange, answer, { watch: limits.stream.watch(exchange, calledAtMs), ownReason: true });
    } catch (error) {
      const explanation = isUnsent(exchange, error) ? explainHeader(answer) : undefined;
      if (!explanation) throw error;
      platform.log.error(explanation.message, { target: this.name, request_id: exchange.requestId.value });
      await writeWebResponse(exchange, explanation.response);
    }
  }
}

function isUnsent({ response, left }: Exchange, error: unknown): boolean {
  return error instanceof Fault && error.code === 'function_bad_answer' && !response.headersSent && !left;
}

interface HeaderExplanation {
  /** For the log. */
  readonly message: string;
  readonly response: Response;
}

const BEYOND_LATIN1 = /[^\x00-\xff]/;

/**
 * What the platform answers in place of a Response with a header that no message can carry: words about it, since nothing else shows the author
 * which one it is. Undefined if every value is of Latin-1. Only the classes of packages and of users let such a value in.
 */
function explainHeader({ headers }: WebResponse): HeaderExplanation | undefined {
  for (const [name, value] of headers) {
    if (!BEYOND_LATIN1.test(value)) continue;
    const message = `the header ${JSON.stringify(name)} of the Response has characters beyond Latin-1`;
    const advice =
      'Encode its value, for example with encodeURIComponent() or as base64, and decode it where it is read.';
    const text = `The function's answer cannot be sent: ${message}.\n${advice}\n`;
    return { message, response: new Response(text, { status: 500, headers: { 'cache-control': 'no-store' } }) };
  }
  return undefined;
}
