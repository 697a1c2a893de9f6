import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { keepCall } from '../../../http/keep-call.ts';
import { type App, type AppCall, type AppContext, toAppContext } from './app.ts';

/** A request listener of node:http: an Express app, or Koa's callback. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An app that gets Node's request and response. It reads the body and writes the response itself.
 */
export class NodeApp implements App {
  readonly #listener: NodeListener;

  constructor(listener: NodeListener) {
    this.#listener = listener;
  }

  async serve(call: AppCall): Promise<void> {
    const { exchange, url, limits } = call;
    const { node } = exchange;
    const { request, response }: AppPair = node;
    const context = toAppContext(call);
    request.context = context;
    request.url = url;
    setPlatformHeaders(request.headers, { geo: context.geo, requestId: exchange.requestId.value });
    response.setHeader(exchange.requestId.name, exchange.requestId.value);
    const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
    response.on('close', resolve);
    exchange.listen({ clientLeft() {}, pairFailed: reject });
    keepCall(exchange);
    try {
      const returned = this.#listener(request, response);
      if (returned instanceof Promise) returned.catch((error) => fail(exchange, error, reject));
      await limits.inTime(exchange, answered);
    } catch (error) {
      const isTimedOut = error instanceof Fault && error.code === 'function_timeout';
      response.off('close', resolve);
      // The app may still hold the connection.
      exchange.response.closeBehind();
      node.mute(isTimedOut ? () => limits.reportLate(exchange) : undefined);
      throw error;
    }
  }
}

/** An error after the end of the response can only be logged. */
function fail({ response, pendingWork, answeredBy }: Exchange, error: unknown, reject: (error: unknown) => void): void {
  if (response.isClosed) pendingWork.add(Promise.reject(error), answeredBy);
  else reject(error);
}

interface AppPair {
  readonly request: IncomingMessage & { context?: AppContext };
  readonly response: ServerResponse;
}

interface PlatformHeaders {
  readonly geo: unknown;
  readonly requestId: string;
}

/**
 * Changes headers as the platform does before it calls an app: removes its internal headers, adds
 * the request id, and replaces the geo header by the parsed object, which apps read.
 */
function setPlatformHeaders(headers: GivenHeaders, { geo, requestId }: PlatformHeaders): void {
  for (const name in headers) {
    if (name.startsWith('x-scf-') || name.startsWith('x-cube-')) delete headers[name];
  }
  headers['functions-request-id'] = requestId;
  if (headers['eo-connecting-geo'] !== undefined) headers['eo-connecting-geo'] = geo;
}

/** An app gets some values that are no texts. */
type GivenHeaders = Record<string, unknown>;
