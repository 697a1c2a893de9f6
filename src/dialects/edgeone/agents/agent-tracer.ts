import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inspect } from 'node:util';

/** A span as code of the platform uses it. */
export interface AgentSpan {
  setAttribute(name: string, value: unknown): AgentSpan;
  setAttributes(attributes: Attributes): AgentSpan;
  addEvent(name: string, attributes?: Attributes): AgentSpan;
  setStatus(status: object): AgentSpan;
  recordException(error: unknown): void;
  end(): void;
}

/** `context.tracer`. */
export interface AgentTracer {
  /** A span that the caller ends. */
  startSpan(name: string, attributes?: Attributes): AgentSpan;
  /** Runs `work` within a span, which ends with it. */
  span<T>(name: string, work: (span: AgentSpan) => T, attributes?: Attributes): T;
  event(name: string, attributes?: Attributes): void;
  setAttributes(attributes: Attributes): void;
  recordException(error: unknown): void;
}

type Attributes = Readonly<Record<string, unknown>>;

/** What is used of `@opentelemetry/api`. */
interface Api {
  readonly trace: {
    getTracer(name: string): { startSpan(name: string, options: object, context: object): AgentSpan };
    getActiveSpan(): AgentSpan | undefined;
    setSpan(context: object, span: AgentSpan): object;
  };
  readonly context: { active(): object; with<T>(context: object, work: () => T): T };
  readonly SpanStatusCode: { readonly ERROR: number };
}

/** Where `@opentelemetry/api` 1.x keeps the SDK of the process. */
const SDK = Symbol.for('opentelemetry.js.api.1');

/** Spans of OpenTelemetry, if an SDK is registered and the site has the API; else all is without effect. `root`: of the site. */
export function openAgentTracer(root: string): AgentTracer {
  if (!(SDK in globalThis)) return NO_TRACER;
  try {
    return new OpenTelemetryTracer(createRequire(join(root, 'package.json'))('@opentelemetry/api'));
  } catch {
    // The SDK is one of the process, and the site has no spans of its own.
    return NO_TRACER;
  }
}

class OpenTelemetryTracer implements AgentTracer {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  readonly startSpan = (name: string, attributes: Attributes = {}): AgentSpan => {
    const { trace, context } = this.#api;
    return trace
      .getTracer('nexthop agents')
      .startSpan(name, { attributes: toAttributes(attributes) }, context.active());
  };

  readonly span = <T>(name: string, work: (span: AgentSpan) => T, attributes: Attributes = {}): T => {
    const { trace, context, SpanStatusCode } = this.#api;
    const span = this.startSpan(name, attributes);
    const fail = (error: unknown): never => {
      span.recordException(toError(error));
      span.setStatus({ code: SpanStatusCode.ERROR, message: toError(error).message });
      span.end();
      throw error;
    };
    try {
      const result = context.with(trace.setSpan(context.active(), span), () => work(span));
      if (!(result instanceof Promise)) {
        span.end();
        return result;
      }
      const ended = result.then((value: unknown) => {
        span.end();
        return value;
      }, fail);
      return ended as T; // a promise for the same value
    } catch (error) {
      return fail(error);
    }
  };

  readonly event = (name: string, attributes: Attributes = {}): void => {
    this.#api.trace.getActiveSpan()?.addEvent(name, toAttributes(attributes));
  };

  readonly setAttributes = (attributes: Attributes): void => {
    this.#api.trace.getActiveSpan()?.setAttributes(toAttributes(attributes));
  };

  readonly recordException = (error: unknown): void => {
    this.#api.trace.getActiveSpan()?.recordException(toError(error));
  };
}

/** Attributes are texts, numbers, booleans and lists of them; other values become texts. */
function toAttributes(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).flatMap(([name, value]) => {
      if (value === undefined || value === null) return [];
      return [[name, typeof value === 'object' && !Array.isArray(value) ? inspect(value) : value]];
    }),
  );
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const NO_SPAN: AgentSpan = {
  setAttribute: () => NO_SPAN,
  setAttributes: () => NO_SPAN,
  addEvent: () => NO_SPAN,
  setStatus: () => NO_SPAN,
  recordException() {},
  end() {},
};

/** Its functions run, and nothing is recorded. */
const NO_TRACER: AgentTracer = {
  startSpan: () => NO_SPAN,
  span: (_name, work) => work(NO_SPAN),
  event() {},
  setAttributes() {},
  recordException() {},
};
