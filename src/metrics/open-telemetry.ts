import type * as Api from '@opentelemetry/api';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { HopObserver } from '../contract/metrics.ts';
import { type TraceContext, toTraceContext } from '../contract/trace-context.ts';
import type { Tracer } from '../contract/tracer.ts';

/** Where `@opentelemetry/api` 1.x keeps the SDK of the process. */
const GLOBAL = Symbol.for('opentelemetry.js.api.1');

export interface TracingOptions {
  /** Continue the traces of all clients. False: only those of trusted peers; others get a new trace with a link. */
  readonly trustsAll: boolean;
  /** Spans have the path of the request, which may be private. */
  readonly hasPaths: boolean;
}

/**
 * Undefined if no SDK of OpenTelemetry was registered before nexthop started, or if its API package
 * is not installed. Nothing of that package is loaded then.
 */
export async function openTracing(options: TracingOptions): Promise<Tracer | undefined> {
  if (!(GLOBAL in globalThis)) return undefined;
  // An optional peer dependency.
  const api = await import('@opentelemetry/api').catch(() => undefined);
  return api && new OpenTelemetry(api, options);
}

class OpenTelemetry implements Tracer {
  readonly #api: typeof Api;
  readonly #options: TracingOptions;
  readonly #tracer: Api.Tracer;
  /** The context of each request in flight, with its span. */
  readonly #contexts = new WeakMap<Exchange, Api.Context>();

  constructor(api: typeof Api, options: TracingOptions) {
    this.#api = api;
    this.#options = options;
    this.#tracer = api.trace.getTracer('nexthop');
  }

  begin(exchange: Exchange): void {
    const { trace, ROOT_CONTEXT, SpanKind } = this.#api;
    const { request, client } = exchange;
    const received = toTraceContext(request.get('traceparent'));
    const remote = received && this.#toRemote(received, request.get('tracestate'));
    const isContinued = remote !== undefined && (client.trusted || this.#options.trustsAll);
    const parent = isContinued ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
    const span = this.#tracer.startSpan(
      request.method,
      {
        kind: SpanKind.SERVER,
        ...(remote && !isContinued && { links: [{ context: remote }] }),
        attributes: {
          'http.request.method': request.method,
          'url.scheme': client.proto,
          'network.protocol.version': `1.${request.minor}`,
          ...(this.#options.hasPaths && { 'url.path': exchange.askedTarget.split('?', 1)[0] ?? '' }),
        },
      },
      parent,
    );
    exchange.traceId = span.spanContext().traceId;
    this.#contexts.set(exchange, trace.setSpan(parent, span));
  }

  end(exchange: Exchange): void {
    const span = this.#api.trace.getSpan(this.#contextOf(exchange));
    const { request, response, fault, route, answeredBy } = exchange;
    const status = response.isHeadWritten ? response.status : (fault?.status ?? 0);
    if (route !== '') span?.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
    span?.setAttributes({ 'http.response.status_code': status, 'nexthop.target': answeredBy });
    if (fault) span?.setAttribute('error.type', fault.code);
    if (status >= 500) span?.setStatus({ code: this.#api.SpanStatusCode.ERROR, ...(fault && { message: fault.code }) });
    span?.end();
    this.#contexts.delete(exchange);
  }

  run<T>(exchange: Exchange, work: () => T): T {
    const { trace, context } = this.#api;
    const parent = this.#contextOf(exchange);
    const span = this.#tracer.startSpan(exchange.answeredBy, {}, parent);
    const failed = (error: unknown): void => {
      // The message may be private.
      const thrown = error instanceof Fault && error.cause !== undefined ? error.cause : error;
      const message = thrown instanceof Error ? thrown.name : typeof thrown;
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
      span.end();
    };
    try {
      const result = context.with(trace.setSpan(parent, span), work);
      if (result instanceof Promise) result.then(() => span.end(), failed);
      else span.end();
      return result;
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  forward(exchange: Exchange, next: HopObserver | undefined): HopObserver {
    const { SpanKind, SpanStatusCode } = this.#api;
    const { request } = exchange;
    const attributes = { 'http.request.method': request.method };
    const span = this.#tracer.startSpan(
      request.method,
      { kind: SpanKind.CLIENT, attributes },
      this.#contextOf(exchange),
    );
    this.#passOn(exchange, span.spanContext());
    return {
      answered: (status, ms) => {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
        next?.answered(status, ms);
      },
      failed: (code, ms) => {
        span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message: code });
        span.end();
        next?.failed(code, ms);
      },
    };
  }

  /** The trace state of a trace that is not continued is not passed on. */
  #passOn({ request }: Exchange, sent: Api.SpanContext): void {
    if (!this.#api.isSpanContextValid(sent)) return;
    const isSame = toTraceContext(request.get('traceparent'))?.traceId === sent.traceId;
    const dropped = isSame ? ['traceparent'] : ['traceparent', 'tracestate'];
    const headers: string[] = [];
    for (let at = 0; at < request.headers.length; at += 2) {
      const name = request.headers[at] as string; // pairs
      if (!dropped.includes(name.toLowerCase())) headers.push(name, request.headers[at + 1] as string);
    }
    const flags = sent.traceFlags.toString(16).padStart(2, '0');
    request.replaceHeaders([...headers, 'traceparent', `00-${sent.traceId}-${sent.spanId}-${flags}`]);
  }

  #toRemote({ traceId, spanId, flags }: TraceContext, tracestate: string | undefined): Api.SpanContext {
    return {
      ...{ traceId, spanId, traceFlags: flags, isRemote: true },
      ...(tracestate !== undefined && { traceState: this.#api.createTraceState(tracestate) }),
    };
  }

  #contextOf(exchange: Exchange): Api.Context {
    return this.#contexts.get(exchange) ?? this.#api.ROOT_CONTEXT;
  }
}
