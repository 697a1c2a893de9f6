import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import { EdgeOneRequest } from './edgeone-request.ts';
import type { Geo } from './geo.ts';
import { geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from './platform.ts';
import type { PreparedBody } from './prepared-body.ts';

export interface ContextParts {
  readonly exchange: Exchange;
  readonly params: Params;
  readonly platform: Platform;
  /** Stands in the log when work given to `waitUntil` fails. */
  readonly file: string;
  /** Undefined: `request.body` is the standard's stream. */
  readonly body: PreparedBody | undefined;
}

/**
 * What a handler is called with. Its own keys are the platform's, in the platform's order, so that destructuring, spreading and listing them
 * do what they do there; `waitUntil`, which the platform lacks, is inherited.
 *
 * `request` and `env` are accessors, shared by all contexts: a Request costs more than all the rest, the copy of a whole environment as much as
 * the rest, and not every function looks at them. Every request has an `env` of its own, so that one cannot write into that of another.
 */
export class EventContext {
  // Only declared: fields would be made in front of the accessors.
  declare readonly request: EdgeOneRequest;
  declare readonly env: Record<string, string>;
  declare readonly params: Params;
  declare readonly uuid: string;
  declare readonly server: ServerInfo;
  declare readonly clientIp: string;
  declare readonly geo: Geo;
  readonly #exchange: Exchange;
  readonly #body: PreparedBody | undefined;
  readonly #file: string;
  readonly #platform: Platform;
  #request: EdgeOneRequest | undefined;
  #env: Record<string, string> | undefined;

  static readonly #REQUEST: PropertyDescriptor & ThisType<EventContext> = {
    enumerable: true,
    configurable: true,
    get() {
      this.#request ??= new EdgeOneRequest(this.#exchange, { prepared: this.#body });
      return this.#request;
    },
    set(request) {
      this.#request = request;
    },
  };

  static readonly #ENV: PropertyDescriptor & ThisType<EventContext> = {
    enumerable: true,
    configurable: true,
    get() {
      this.#env ??= { ...this.#platform.env };
      return this.#env;
    },
    set(env) {
      this.#env = env;
    },
  };

  constructor({ exchange, params, platform, file, body }: ContextParts) {
    this.#exchange = exchange;
    this.#body = body;
    this.#file = file;
    this.#platform = platform;
    Object.defineProperty(this, 'request', EventContext.#REQUEST);
    Object.defineProperty(this, 'env', EventContext.#ENV);
    this.params = { ...params };
    this.uuid = uuidOf(exchange);
    this.server = serverOf(exchange, platform);
    this.clientIp = exchange.client.address;
    this.geo = geoOf(exchange);
  }

  /** Keeps the process from ending before the promise settles. A function of its own, so that it may be destructured. */
  get waitUntil(): (work: unknown) => void {
    return (work) => this.#exchange.pendingWork.add(work, this.#file);
  }
}
