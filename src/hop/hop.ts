import type { Exchange } from '../contract/exchange.ts';
import type { Fault } from '../contract/fault.ts';
import type { HopObserver } from '../contract/metrics.ts';
import type { Answer, Fallback, Outcome } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import type { UpgradeSlots } from '../http/upgrade-slots.ts';
import { isWebSocketRequest } from '../http/web-socket-request.ts';
import { answerOptions } from '../http/write-head.ts';
import { OriginPool } from '../wire/origin-pool.ts';
import { AddressWatch } from './address-watch.ts';
import { Forward } from './forward.ts';
import type { RequestHeaders } from './request-headers.ts';
import { Tunnels } from './tunnels.ts';

export interface HopOptions {
  readonly hostname: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** For an open tunnel without traffic in either direction; 0: no limit. */
  readonly tunnelIdleTimeoutMs: number;
  readonly keepAliveMs: number;
  /** Interval of the look-ups that detect a changed address of the hop; 0: never. */
  readonly lookupIntervalMs: number;
  readonly connections: number;
  /** Number of requests that may wait for a connection. */
  readonly queue: number;
  readonly headerLimitBytes: number;
  readonly requestHeaders: RequestHeaders;
  /** Of tunnels, and of handshakes that the hop has not answered. */
  readonly slots: UpgradeSlots;
  /** Gets the times of forwarded requests; undefined: they are not measured. */
  readonly observer?: HopObserver | undefined;
  readonly tracer?: Tracer | undefined;
}

/** No normal origin sends so many header lines; bounds the work for one response. */
const MOST_HEADERS = 1000;

/** The next hop. It answers every request that no route of the site answers, and opens a tunnel for a WebSocket that no function accepts. */
export class Hop implements Fallback {
  readonly name = 'next-hop';
  readonly tunnels: Tunnels;
  readonly #pool: OriginPool;
  readonly #requestHeaders: RequestHeaders;
  readonly #observer: HopObserver | undefined;
  readonly #tracer: Tracer | undefined;
  readonly #addressWatch: AddressWatch;

  constructor(options: HopOptions) {
    const { hostname, port, requestHeaders } = options;
    this.#requestHeaders = requestHeaders;
    this.#observer = options.observer;
    this.#tracer = options.tracer;
    this.#pool = new OriginPool({
      host: hostname,
      port,
      connections: options.connections,
      queue: options.queue,
      connectTimeoutMs: options.connectTimeoutMs,
      firstByteTimeoutMs: options.firstByteTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs,
      keepAliveMs: options.keepAliveMs,
      maxHeadBytes: options.headerLimitBytes,
      maxHeaders: MOST_HEADERS,
    });
    this.tunnels = new Tunnels({
      pool: this.#pool,
      requestHeaders,
      slots: options.slots,
      idleTimeoutMs: options.tunnelIdleTimeoutMs,
    });
    this.#addressWatch = new AddressWatch(hostname, options.lookupIntervalMs, () => this.#pool.renew());
  }

  /** Its connections, the requests that wait for one, and how many were sent twice. */
  get connections() {
    const { size, idleCount: idle, waitingCount: waiting, retries, answers } = this.#pool;
    return { idle, busy: size - idle, waiting, retries, answers };
  }

  /** Forwards the request and its response. Throws `loop_detected`; a Fault of the hop, or `hop_busy` if too many requests wait, goes to the exchange. */
  answer(exchange: Exchange): Answer {
    const { request } = exchange;
    if (request.method === 'OPTIONS' && request.get('max-forwards') === '0') {
      answerOptions(exchange);
      return 'answered';
    }
    if (request.upgrade !== undefined && isWebSocketRequest(request)) return this.tunnels.open(exchange);
    // Before the head is written: a tracer sets `traceparent`.
    const observer = this.#observe(exchange);
    new Forward(exchange, this.#pool, { headText: this.#requestHeaders.toHeadText(exchange), observer });
    return 'answered';
  }

  /**
   * The same for a request without a body. Resolves with 'passed' if the hop answers 404 or is unreachable; then nothing is sent to the client.
   */
  answerUnlessMissing(exchange: Exchange): Promise<Outcome> {
    const observer = this.#observe(exchange);
    const headText = this.#requestHeaders.toHeadText(exchange);
    return new Forward(exchange, this.#pool, { headText, unlessMissing: true, observer }).settled;
  }

  #observe(exchange: Exchange): HopObserver | undefined {
    return this.#tracer ? this.#tracer.forward(exchange, this.#observer) : this.#observer;
  }

  /** Closes every connection to the hop. Requests in flight fail. */
  close(): void {
    this.#addressWatch.close();
    this.#pool.close();
  }
}

/** Says once what to do about a hop whose name does not resolve: the line of each request has its own error. */
export class HopAdvice {
  readonly #hostname: string;
  readonly #give: (advice: string) => void;
  #isGiven = false;

  constructor(hostname: string, give: (advice: string) => void) {
    this.#hostname = hostname;
    this.#give = give;
  }

  /** Gives advice, if there is some about this fault and none was given before. */
  give(fault: Fault): void {
    const advice = this.#isGiven ? undefined : adviceForUnresolved(fault, this.#hostname);
    if (advice === undefined) return;
    this.#isGiven = true;
    this.#give(advice);
  }
}

/** Errors of getaddrinfo: there is no such name, or no name server answers. */
const UNRESOLVED: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'EAI_AGAIN']);

/**
 * What to do about a fault of a hop whose name does not resolve; undefined for other faults. The
 * default name exists only where a platform defines it, so a first start elsewhere answers 502.
 */
function adviceForUnresolved({ cause }: Fault, hostname: string): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause) || !UNRESOLVED.has(cause.code)) return undefined;
  // Servers of rules and images have faults of the same kind.
  if ('hostname' in cause && cause.hostname !== hostname) return undefined;
  return `the name "${hostname}" of the next hop does not resolve (${cause.code}), so requests that the site does not answer get 502; set NEXT_HOP to the URL of the server that answers them, such as NEXT_HOP=http://127.0.0.1:3000`;
}
