import type { Exchange } from './exchange.ts';
import type { HopObserver } from './metrics.ts';

/** Makes spans for requests. There is one only if an OpenTelemetry SDK runs in this process. */
export interface Tracer {
  /** Begins the span of a request, before anything reads its headers. */
  begin(exchange: Exchange): void;
  /** Ends it. */
  end(exchange: Exchange): void;
  /** Runs code of the site within a span of its own, below that of the request. */
  run<T>(exchange: Exchange, work: () => T): T;
  /** Begins the span of a forwarded request, and puts its id into `traceparent`. The result ends it and passes all on to `next`. */
  forward(exchange: Exchange, next: HopObserver | undefined): HopObserver;
}
