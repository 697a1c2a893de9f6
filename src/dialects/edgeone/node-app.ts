import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
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
    const { exchange, url } = call;
    const { request, response } = exchange;
    const context = toAppContext(call);
    request.url = url;
    showPlatformFields(request.headers, { geo: context.geo, requestId: exchange.requestId.value });
    response.setHeader(exchange.requestId.name, exchange.requestId.value);
    exchange.admitBody();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    await this.#listener(Object.assign(request, { context }), response);
    // One that is closed by now may have said so before anybody listened.
    if (!response.closed) await closed;
    // With head and framing: the app writes to the response itself, so that only the connection can tell.
    exchange.bodyBytesSent = exchange.socket.bytesWritten - exchange.bytesWrittenBefore;
  }
}

interface PlatformFields {
  readonly geo: unknown;
  readonly requestId: string;
}

/** As the platform does before an app sees the request: its own fields go, the id comes, and the geo field is parsed, which apps rely on. */
function showPlatformFields(headers: IncomingHttpHeaders, { geo, requestId }: PlatformFields): void {
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-scf-') || name.startsWith('x-cube-')) delete headers[name];
  }
  const extra: Record<string, unknown> = { 'functions-request-id': requestId };
  if (headers['eo-connecting-geo'] !== undefined) extra['eo-connecting-geo'] = geo;
  Object.assign(headers, extra);
}
