import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import type { ConversationStore } from '../conversations/conversation-store.ts';
import { type EdgeOneRequest, toEdgeOneRequest } from './edgeone-request.ts';
import type { Geo } from './geo.ts';
import type { HandlerCall } from './handler-target.ts';
import { conversationOf, geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from './platform.ts';
import type { PreparedBody } from './prepared-body.ts';

export interface ContextParts extends HandlerCall {
  readonly platform: Platform;
  /** File of the function. Logged when work given to `waitUntil` fails. */
  readonly file: string;
}

/**
 * The argument of a handler. Its own keys are those of the platform, in the same order, so that
 * destructuring, spreading and listing them give the same result. `waitUntil`, which the platform
 * does not have, and `agent` are inherited and not listed.
 *
 * `request` and `env` are accessors, because many functions do not use them: a Request costs more
 * than all other members together, and a copy of the environment as much as these. Each request
 * gets a copy of `env`, so a function cannot change that of another request.
 */
export class EventContext {
  // `declare`: a class field would be defined before the accessors and change the order of keys.
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
      this.#request ??= toEdgeOneRequest(this.#exchange, { prepared: this.#body });
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
    // A copy of an object without a prototype is slow to make.
    this.params = hasNone(params) ? {} : { ...params };
    this.uuid = uuidOf(exchange);
    this.server = serverOf(exchange, platform);
    this.clientIp = exchange.client.address;
    this.geo = geoOf(exchange);
  }

  /** The conversation that the request names, and the store of conversations. */
  get agent(): { readonly conversation_id: string; readonly store: ConversationStore | undefined } {
    const conversation = conversationOf(this.#exchange);
    return { conversation_id: conversation, store: this.#platform.openStore(conversation) };
  }

  /**
   * Delays the end of the process until the promise settles. Returns a closure, so it can be
   * destructured.
   */
  get waitUntil(): (work: unknown) => void {
    return (work) => this.#exchange.pendingWork.add(work, this.#file);
  }
}

function hasNone(params: Params): boolean {
  for (const _ in params) return false;
  return true;
}
