import type * as Api from '@opentelemetry/api';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { HopObserver } from '../contract/metrics.ts';
import type { Answer, Outcome } from '../contract/target.ts';
import { type TraceContext, toTraceContext } from '../contract/trace-context.ts';
import type { TracedJob, Tracer } from '../contract/tracer.ts';

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
    // A job of this process makes the request, e.g. for a schedule.
    const before = request.isOwn ? this.#api.context.active() : ROOT_CONTEXT;
    const parent = isContinued ? trace.setSpanContext(ROOT_CONTEXT, remote) : before;
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
    const { traceId, traceFlags } = span.spanContext();
    exchange.traceId = traceId;
    exchange.isSampled = (traceFlags & this.#api.TraceFlags.SAMPLED) !== 0;
    this.#contexts.set(exchange, trace.setSpan(parent, span));
  }

  end(exchange: Exchange): void {
    const span = this.#api.trace.getSpan(this.#contexts.get(exchange) ?? this.#api.ROOT_CONTEXT);
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
    const parent = this.#contextOf(exchange);
    return this.#runIn(this.#tracer.startSpan(exchange.answeredBy, {}, parent), parent, work);
  }

  runCache(exchange: Exchange, work: () => Answer): Answer {
    const parent = this.#contextOf(exchange);
    const span = this.#tracer.startSpan('cache', {}, parent);
    const ended = (outcome: Outcome): Outcome => {
      if (exchange.cacheResult) span.setAttribute('nexthop.cache.result', exchange.cacheResult);
      return outcome;
    };
    return this.#runIn(span, parent, () => {
      const answer = work();
      return answer instanceof Promise ? answer.then(ended) : ended(answer);
    });
  }

  /** Only below a span that has not ended: timers that a request has started may ask a store for ever. */
  observe<T>(store: string, verb: string, work: () => Promise<T>): Promise<T> {
    const { trace, context, SpanKind } = this.#api;
    const parent = context.active();
    if (!trace.getSpan(parent)?.isRecording()) return work();
    const attributes = { 'db.system.name': store, 'db.operation.name': verb };
    const span = this.#tracer.startSpan(`${store} ${verb}`, { kind: SpanKind.CLIENT, attributes }, parent);
    return this.#runIn(span, parent, work);
  }

  toLinked(payload: Uint8Array): Uint8Array {
    const sent = this.#api.trace.getActiveSpan()?.spanContext();
    return sent && this.#api.isSpanContextValid(sent) ? withLink(payload, toTraceparent(sent)) : payload;
  }

  runJob({ file, rule, attempt, payload }: TracedJob, work: (payload: Uint8Array) => Promise<void>): Promise<void> {
    const { ROOT_CONTEXT, SpanKind } = this.#api;
    const { link, rest } = splitLink(payload);
    const linked = link && this.#toRemote(link, undefined);
    const span = this.#tracer.startSpan(
      file,
      {
        kind: SpanKind.CONSUMER,
        root: true,
        ...(linked && { links: [{ context: linked }] }),
        attributes: { 'nexthop.rule': rule, 'nexthop.attempt': attempt },
      },
      ROOT_CONTEXT,
    );
    return this.#runIn(span, ROOT_CONTEXT, () => work(rest));
  }

  /** Ends the span when the work has ended. */
  #runIn<T>(span: Api.Span, parent: Api.Context, work: () => T): T {
    const { trace, context, SpanStatusCode } = this.#api;
    const failed = (error: unknown): void => {
      // The message may be private.
      const thrown = error instanceof Fault && error.cause !== undefined ? error.cause : error;
      const message = thrown instanceof Error ? thrown.name : typeof thrown;
      span.setStatus({ code: SpanStatusCode.ERROR, message });
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
    const { method } = exchange.request;
    const parent = this.#contextOf(exchange);
    const start = (more: Api.Attributes): Api.Span =>
      this.#tracer.startSpan(
        method,
        { kind: SpanKind.CLIENT, attributes: { 'http.request.method': method, ...more } },
        parent,
      );
    let span = start({});
    const fail = (code: string): void => {
      span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message: code });
      span.end();
    };
    this.#passOn(exchange, span.spanContext());
    return {
      answered: (status, ms) => {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
        next?.answered(status, ms);
      },
      failed: (code, ms) => {
        fail(code);
        next?.failed(code, ms);
      },
      retried: (code, headText) => {
        const sent = toTraceparent(span.spanContext());
        fail(code);
        span = start({ 'http.request.resend_count': 1 });
        return headText.replace(sent, toTraceparent(span.spanContext()));
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
    request.replaceHeaders([...headers, 'traceparent', toTraceparent(sent)]);
  }

  #toRemote({ traceId, spanId, flags }: TraceContext, tracestate: string | undefined): Api.SpanContext {
    return {
      ...{ traceId, spanId, traceFlags: flags, isRemote: true },
      ...(tracestate !== undefined && { traceState: this.#api.createTraceState(tracestate) }),
    };
  }

  /** The span that is active now, if it is one of this request, e.g. that of the cache; else that of the request. */
  #contextOf(exchange: Exchange): Api.Context {
    const { trace, context, ROOT_CONTEXT } = this.#api;
    const own = this.#contexts.get(exchange);
    const active = context.active();
    const span = trace.getSpan(active);
    // An inner exchange has no context of its own.
    if (span && (!own || span.spanContext().traceId === exchange.traceId)) return active;
    return own ?? ROOT_CONTEXT;
  }
}

function toTraceparent({ traceId, spanId, traceFlags }: Api.SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Payloads of jobs begin with an object in JSON: the link is its first key, which its readers ignore. */
const LINK = '{"traceparent":"';
const AFTER_LINK = '",';
const LINK_BYTES = LINK.length + '00-'.length + 32 + 1 + 16 + 1 + 2 + AFTER_LINK.length;

function withLink(payload: Uint8Array, traceparent: string): Uint8Array {
  if (!startsWith(payload, '{"')) return payload;
  return Buffer.concat([Buffer.from(`${LINK}${traceparent}${AFTER_LINK}`), payload.subarray(1)]);
}

function splitLink(payload: Uint8Array): { readonly link: TraceContext | undefined; readonly rest: Uint8Array } {
  if (!startsWith(payload, LINK)) return { link: undefined, rest: payload };
  const text = Buffer.from(payload.subarray(0, LINK_BYTES)).toString('latin1');
  const rest = Buffer.concat([Buffer.from('{'), payload.subarray(LINK_BYTES)]);
  return { link: toTraceContext(text.slice(LINK.length, -AFTER_LINK.length)), rest };
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text;
}
