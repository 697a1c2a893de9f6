import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import { ReceivedHeaders } from '../../../http/received-headers.ts';
import { type EdgeOneRequest, toEdgeOneRequest } from '../functions/edgeone-request.ts';
import { type Geo, toGeo } from '../functions/geo.ts';
import type { HandlerCall } from '../functions/handler-target.ts';
import { type Platform, uuidOf } from '../functions/platform.ts';
import { EdgeRun } from './edge-run.ts';

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
export interface EdgeRequest extends EdgeOneRequest {
  readonly eo: EdgeInfo;
}

function toEdgeRequest({ exchange, run, file }: EdgeContextParts): EdgeRequest {
  const path = EdgeRun.pathOf(exchange, file);
  const headers = new ReceivedHeaders(exchange.request);
  const [toStream, toInfo] = [() => run.body.open(), () => toEdgeInfo(exchange)];
  const request = toEdgeOneRequest(exchange, { toStream, toInfo, path, headers });
  run.use(request, headers);
  return request as EdgeRequest; // `eo` is made by `toInfo`
}

function toEdgeInfo(exchange: Exchange): EdgeInfo {
  const geo = toNumbers(toGeo(exchange.request.get('eo-connecting-geo') ?? ''));
  return { geo, uuid: uuidOf(exchange), clientIp: exchange.client.address };
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

/** The attributes of a property that was assigned. */
const OWN = { enumerable: true, configurable: true } as const;

/**
 * The argument of an edge function. Its own keys are those of the platform, in the same order.
 * `request`, `env` and `eo` are created at their first use.
 */
export class EdgeContext {
  // `declare`: a class field would be defined before the accessors and change the order of keys.
  declare readonly request: EdgeRequest;
  declare readonly params: Params;
  declare readonly env: Record<string, string>;
  declare readonly waitUntil: (work: unknown) => void;
  declare readonly eo: EdgeInfo;
  readonly #parts: EdgeContextParts;
  #request: EdgeRequest | undefined;
  #env: Record<string, string> | undefined;
  #eo: EdgeInfo | undefined;

  // One descriptor for all contexts: accessors with closures of their own cost as much as the rest of a call.
  static readonly #REQUEST = toAccessor({
    get() {
      this.#request ??= toEdgeRequest(this.#parts);
      return this.#request;
    },
    set(request) {
      this.#request = request;
    },
  });

  static readonly #ENV = toAccessor({
    get() {
      this.#env ??= { ...this.#parts.platform.env };
      return this.#env;
    },
    set(env) {
      this.#env = env;
    },
  });

  static readonly #EO = toAccessor({
    get() {
      this.#eo ??= this.request.eo;
      return this.#eo;
    },
    set(eo) {
      this.#eo = eo;
    },
  });

  constructor(parts: EdgeContextParts) {
    const { exchange, params, file } = parts;
    this.#parts = parts;
    Object.defineProperty(this, 'request', EdgeContext.#REQUEST);
    this.params = { ...params };
    Object.defineProperty(this, 'env', EdgeContext.#ENV);
    // Not an assignment: V8 would keep the exchange until a full collection (docs/decisions/wire.md).
    const waitUntil = (work: unknown): void => exchange.pendingWork.add(work, file);
    Object.defineProperty(this, 'waitUntil', { value: waitUntil, ...OWN, writable: true });
    Object.defineProperty(this, 'eo', EdgeContext.#EO);
  }
}

function toAccessor(accessor: Pick<PropertyDescriptor, 'get' | 'set'> & ThisType<EdgeContext>): PropertyDescriptor {
  return { ...accessor, ...OWN };
}
