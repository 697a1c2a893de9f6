import type { Params } from '../../../contract/target.ts';
import { EdgeOneRequest } from '../functions/edgeone-request.ts';
import { type Geo, toGeo } from '../functions/geo.ts';
import type { HandlerCall } from '../functions/handler-target.ts';
import { type Platform, uuidOf } from '../functions/platform.ts';
import type { EdgeRun } from './edge-run.ts';

/** The location of edge functions. Unlike that of cloud functions, it has numbers. */
export interface EdgeGeo extends Omit<Geo, 'asn' | 'latitude' | 'longitude'> {
  readonly asn?: number;
  readonly latitude?: number;
  readonly longitude?: number;
}

/** What the platform knows about the client of a request. */
export interface EdgeInfo {
  readonly geo: EdgeGeo;
  readonly uuid: string;
  readonly clientIp: string;
}

/** The Request of an edge function. */
export class EdgeRequest extends EdgeOneRequest {
  readonly #exchange: HandlerCall['exchange'];
  #eo: EdgeInfo | undefined;

  constructor(exchange: HandlerCall['exchange'], run: EdgeRun) {
    super(exchange, { toStream: () => run.body.open() });
    this.#exchange = exchange;
    run.use(this);
  }

  get eo(): EdgeInfo {
    const { client, request } = this.#exchange;
    const geo = toNumbers(toGeo(request.get('eo-connecting-geo') ?? ''));
    this.#eo ??= { geo, uuid: uuidOf(this.#exchange), clientIp: client.address };
    return this.#eo;
  }
}

/** A value that is no number is left out. */
function toNumbers({ asn, latitude, longitude, ...texts }: Geo): EdgeGeo {
  const numbers = Object.entries({ asn, latitude, longitude }).map(([name, text]) => [name, Number(text)] as const);
  return { ...texts, ...Object.fromEntries(numbers.filter(([, value]) => Number.isFinite(value))) };
}

export interface EdgeContextParts extends HandlerCall {
  readonly platform: Platform;
  readonly run: EdgeRun;
  /** File of the function. Logged when work given to `waitUntil` fails. */
  readonly file: string;
}

/**
 * The argument of an edge function. Its own keys are those of the platform, in the same order.
 * `request`, `env` and `eo` are created at their first use.
 */
export class EdgeContext {
  declare readonly request: EdgeRequest;
  declare readonly params: Params;
  declare readonly env: Record<string, string>;
  declare readonly waitUntil: (work: unknown) => void;
  declare readonly eo: EdgeInfo;
  readonly #run: EdgeRun;

  /** Calls a handler with a context. */
  static call(context: EdgeContext, handler: (context: EdgeContext) => unknown): unknown {
    return context.#run.call(() => handler(context));
  }

  constructor({ exchange, params, platform, file, run }: EdgeContextParts) {
    this.#run = run;
    defineLazy(this, 'request', () => new EdgeRequest(exchange, run));
    this.params = { ...params };
    defineLazy(this, 'env', () => ({ ...platform.env }));
    this.waitUntil = (work) => exchange.pendingWork.add(work, file);
    defineLazy(this, 'eo', () => this.request.eo);
  }
}

/** A property that is computed at its first use, and that code may replace. */
function defineLazy(owner: object, name: string, compute: () => unknown): void {
  const define = (value: unknown): unknown => {
    Object.defineProperty(owner, name, { value, enumerable: true, configurable: true, writable: true });
    return value;
  };
  Object.defineProperty(owner, name, {
    get: () => define(compute()),
    set: define,
    enumerable: true,
    configurable: true,
  });
}
