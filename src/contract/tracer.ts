import type { Exchange } from './exchange.ts';
import type { HopObserver, StoreObserver } from './metrics.ts';
import type { Answer } from './target.ts';

/** Is called for each request, e.g. to measure it. Neither method may throw. */
export interface RequestObserver {
  /** Before anything reads the headers of the request. */
  begin(exchange: Exchange): void;
  /** The response is complete or its connection is lost, and the access line is written. */
  end(exchange: Exchange): void;
}

/** Makes spans for requests. There is one only if an OpenTelemetry SDK runs in this process. */
export interface Tracer extends RequestObserver, StoreObserver, JobTracer {
  /** Runs code of the site within a span of its own, below that of the request. */
  run<T>(exchange: Exchange, work: () => T): T;
  /** The same for the cache in front of a target. */
  runCache(exchange: Exchange, work: () => Answer): Answer;
  /** Begins the span of a forwarded request, and puts its id into `traceparent`. The result ends it and passes all on to `next`. */
  forward(exchange: Exchange, next: HopObserver | undefined): HopObserver;
}

/** Makes spans for jobs. */
export interface JobTracer {
  /** The payload with the span in it that is active now. */
  toLinked(payload: Uint8Array): Uint8Array;
  /** Runs a job in a new trace, with a link to the span that its payload has. `work` gets the payload without it. */
  runJob(job: TracedJob, work: (payload: Uint8Array) => Promise<void>): Promise<void>;
}

export interface TracedJob {
  readonly file: string;
  readonly rule: string;
  readonly attempt: number;
  readonly payload: Uint8Array;
}
