import type { Exchange, ResponseLayer } from '../contract/exchange.ts';
import type { Fault } from '../contract/fault.ts';
import type { PrintedText } from '../contract/log.ts';
import type { CalledCode, RunObserver } from '../contract/metrics.ts';
import type { ErrorReport } from './error-report.ts';

/** A text that the site's code printed for a request. */
export interface PrintedLine extends Pick<PrintedText, 'level' | 'text'> {
  /** After the start of the request. */
  readonly afterMs: number;
}

/** The step of filters (docs/architecture.md). */
const FILTERS = 1;

/** One request, as the developer sees it. */
export class RequestRecord implements ResponseLayer, RunObserver {
  /** Counts from 1. */
  readonly number: number;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly atMs = Date.now();
  readonly method: string;
  /** As the client sent it. */
  readonly target: string;
  /** Flat, as received. */
  readonly headers: readonly string[];
  /** Undefined: it was too long to keep, or of unknown length. */
  body: Buffer | undefined;
  /** 0 while there is none. */
  status = 0;
  /** Time to the head of the response; undefined for one that is not known. */
  headMs: number | undefined;
  /** Undefined while the response is not complete. */
  tookMs: number | undefined;
  /** Flat; without those that the connection adds. */
  responseHeaders: readonly string[] = [];
  responseBytes = 0;
  route = '';
  answeredBy = '';
  isFile = false;
  upstream = '';
  /** What routes and the next hop got, if it is not `target`. */
  rewrittenTo = '';
  /** How the cache took part, e.g. `hit`; '' if it did not. */
  cache = '';
  /** Code of its fault, and the reason if it is not one of the site; '' without a fault. */
  fault = '';
  error: ErrorReport | undefined;
  readonly printed: PrintedLine[] = [];
  /** What its code prints from now on belongs below its line. */
  isOnTerminal = false;
  /** Version of the history in which it changed last. */
  version = 0;
  readonly #startedAtMs: number;
  /** Guards and other filters that ran, in their order; the one that answered may be among them. */
  readonly #filters = new Set<string>();
  /** The observer that it stands in front of. */
  #observer: RunObserver | undefined;

  constructor(number: number, exchange: Exchange) {
    const { request, requestId, askedTarget, startedAtMs } = exchange;
    this.number = number;
    this.id = requestId.value;
    this.method = request.method;
    this.target = askedTarget;
    this.headers = request.headers;
    this.#startedAtMs = startedAtMs;
  }

  /** Sees the head of the response, and the code that is called, also for the requests that filters make of this one. */
  watch(exchange: Exchange): void {
    exchange.addLayer(this);
    this.#observer = exchange.runs;
    exchange.runs = this;
  }

  ran(call: CalledCode): void {
    this.#observer?.ran(call);
    if (call.step === FILTERS) this.#filters.add(call.answeredBy);
  }

  passed(filter: string): void {
    this.#filters.add(filter);
  }

  failed(route: string, fault: Fault): void {
    this.#observer?.failed(route, fault);
  }

  /** The filters that let the request pass, or called what answered. Not known while one of them may run. */
  get filters(): readonly string[] {
    if (this.tookMs === undefined) return [];
    return [...this.#filters].filter((name) => name !== this.answeredBy);
  }

  /** Added first, so it is applied last: it sees the headers as they are sent. */
  toHeaders(_exchange: Exchange, _status: number, headers: readonly string[]): readonly string[] {
    this.headMs = this.elapsedMs;
    this.responseHeaders = [...headers];
    return headers;
  }

  print({ level, text }: PrintedText): void {
    this.printed.push({ level, text, afterMs: this.elapsedMs });
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Takes what is known at the end of the exchange. */
  finish(exchange: Exchange): void {
    const { response, route, answeredBy, isFile, upstreamAddress, cacheResult, fault, left, target } = exchange;
    this.tookMs = this.elapsedMs;
    this.status = response.isHeadWritten ? response.status : (fault?.status ?? (left ? 499 : 0));
    this.responseBytes = response.sentBytes;
    this.route = route;
    this.answeredBy = answeredBy;
    this.isFile = isFile;
    this.upstream = upstreamAddress;
    this.rewrittenTo = target === this.target ? '' : target;
    this.cache = cacheResult ?? '';
    this.fault = fault ? spellFault(fault) : '';
  }
}

function spellFault({ code, origin, message }: Fault): string {
  return origin === 'function' || message === code ? code : `${code}: ${message}`;
}
