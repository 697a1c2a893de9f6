import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerListener } from '../../../contract/answer-listener.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { NodeObjects } from '../../../contract/http-message.ts';
import { keepCall } from '../../../http/keep-call.ts';
import { createNodeObjects } from '../../../http/node-objects.ts';
import { type App, type AppCall, type AppContext, toAppContext } from './app.ts';

/** A request listener of node:http: an Express app, or Koa's callback. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An app that gets Node's request and response. It reads the body and writes the response itself.
 */
export class NodeApp implements App {
  readonly #listener: NodeListener;
  #objects: NodeObjects | undefined;
  #isCalled = false;

  constructor(listener: NodeListener) {
    this.#listener = listener;
  }

  serve(call: AppCall): Promise<void> | undefined {
    const { exchange, url } = call;
    exchange.nodeObjects = this.#nodeObjects;
    const { request, response }: AppPair = exchange.node;
    const context = toAppContext(call);
    request.context = context;
    request.url = url;
    setPlatformHeaders(request.headers, { geo: context.geo, requestId: exchange.requestId.value });
    response.setHeader(exchange.requestId.name, exchange.requestId.value);
    const watch = new PairWatch();
    exchange.listen(watch);
    let returned: unknown;
    try {
      returned = this.#listener(request, response);
      if (watch.isFailed) throw watch.fault;
    } catch (error) {
      return stop(call, error);
    }
    // As of most requests: nothing has to be awaited.
    if (response.writableEnded && !(returned instanceof Promise)) {
      // The rest of a body still arrives.
      if (!request.complete || hasListeners(response) || hasListeners(request)) keepCall(exchange);
      return undefined;
    }
    return awaitEnd(call, watch, returned);
  }

  /** Found at the first call, when the app is complete. */
  get #nodeObjects(): NodeObjects | undefined {
    if (!this.#isCalled) {
      const { request, response }: ExpressApp = this.#listener as ExpressApp;
      this.#objects = createNodeObjects(request, response, { context: undefined });
      this.#isCalled = true;
    }
    return this.#objects;
  }
}

/** An app of Express has the prototypes that it gives to Node's objects. */
interface ExpressApp {
  readonly request?: unknown;
  readonly response?: unknown;
}

/** The fault of a pair, or what gets it. */
class PairWatch implements AnswerListener {
  isFailed = false;
  fault: unknown;
  reject: ((error: unknown) => void) | undefined;

  clientLeft(): void {}

  pairFailed(fault: unknown): void {
    this.isFailed = true;
    this.fault = fault;
    this.reject?.(fault);
  }
}

const LATE_EVENTS = ['finish', 'close', 'end', 'error', 'aborted'];

/** Of events that the connection emits after the response has ended. */
function hasListeners(emitter: EventEmitter): boolean {
  for (const name of LATE_EVENTS) if (emitter.listenerCount(name) > 0) return true;
  return false;
}

/** Waits for the end of the response. `returned`: by the app. */
async function awaitEnd(call: AppCall, watch: PairWatch, returned: unknown): Promise<void> {
  const { exchange, limits } = call;
  const { response } = exchange.node;
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  watch.reject = reject;
  response.on('close', resolve);
  keepCall(exchange);
  if (returned instanceof Promise) returned.catch((error) => fail(exchange, error, reject));
  try {
    await limits.inTime(exchange, answered);
  } catch (error) {
    response.off('close', resolve);
    stop(call, error);
  }
}

/** What the app still writes is not sent. */
function stop({ exchange, limits }: AppCall, error: unknown): never {
  const isTimedOut = error instanceof Fault && error.code === 'function_timeout';
  // The app may still hold the connection.
  exchange.response.closeBehind();
  exchange.node.mute(isTimedOut ? () => limits.reportLate(exchange) : undefined);
  throw error;
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
