import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { AppResponse } from '../../../http/app-response.ts';
import { countRawBody } from '../../../http/count-raw-body.ts';
import { keepCall } from '../../../http/keep-call.ts';
import { type App, type AppCall, toAppContext } from './app.ts';

/** What node:http calls: an Express app, Koa's callback. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An app that takes Node's own request and response: it reads the body, writes its error pages and streams as it likes. */
export class NodeApp implements App {
  readonly #listener: NodeListener;

  constructor(listener: NodeListener) {
    this.#listener = listener;
  }

  async serve(call: AppCall): Promise<void> {
    const { exchange, url, limits } = call;
    const { request, response } = exchange;
    const context = toAppContext(call);
    request.url = url;
    showPlatformHeaders(request.headers, { geo: context.geo, requestId: exchange.requestId.value });
    response.setHeader(exchange.requestId.name, exchange.requestId.value);
    exchange.admitBody();
    const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
    response.once('close', resolve);
    countRawBody(exchange, reject);
    keepCall(exchange);
    let isTimedOut = false;
    const onLate = (): void => void (isTimedOut && limits.reportLate(exchange));
    const appResponse = new AppResponse({ exchange, onFault: reject, onLate });
    try {
      const returned = this.#listener(Object.assign(request, { context }), response);
      if (returned instanceof Promise) returned.catch((error) => fail(exchange, error, reject));
      await limits.inTime(exchange, answered);
    } catch (error) {
      isTimedOut = error instanceof Fault && error.code === 'function_timeout';
      response.off('close', resolve);
      // The app holds the connection, too.
      response.shouldKeepAlive = false;
      appResponse.giveUp();
      throw error;
    }
  }
}

/** An app may go on behind its answer; of an error there the client can be told nothing any more. */
function fail({ response, pendingWork, answeredBy }: Exchange, error: unknown, reject: (error: unknown) => void): void {
  if (response.closed) pendingWork.add(Promise.reject(error), answeredBy);
  else reject(error);
}

interface PlatformHeaders {
  readonly geo: unknown;
  readonly requestId: string;
}

/** As the platform does before an app sees the request: its own fields go, the id comes, and the geo field is parsed, which apps rely on. */
function showPlatformHeaders(headers: IncomingHttpHeaders, { geo, requestId }: PlatformHeaders): void {
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-scf-') || name.startsWith('x-cube-')) delete headers[name];
  }
  const extra: Record<string, unknown> = { 'functions-request-id': requestId };
  if (headers['eo-connecting-geo'] !== undefined) extra['eo-connecting-geo'] = geo;
  Object.assign(headers, extra);
}
