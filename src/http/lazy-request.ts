// Not by its name, which older versions of Node do not have: they get to the message that they are too old.
import threads from 'node:worker_threads';
import type { Exchange } from '../contract/exchange.ts';
import { wrapFetch } from '../contract/own-fetch.ts';
import { hasBody } from './headers.ts';
import { type HeaderMap, LazyHeaders } from './lazy-headers.ts';
import type { ReceivedHeaders } from './received-headers.ts';

type NativeRequest = typeof globalThis.Request;

/** The global class that takes lazy requests, too. One for the process, also if nexthop is loaded twice. */
const ACCEPTING = Symbol.for('nexthop.request');
/** Method of each lazy request. */
const TO_NATIVE = Symbol.for('nexthop.native-request');

/**
 * Lets `new Request(request)` and `fetch(request)` take the requests that `toWebRequest` makes from now on. Call it once, before code of the site is loaded.
 * Undici reads private fields of its own class, which no other object can have (docs/decisions/text-response.md).
 */
export function installLazyRequest(): void {
  const Native = globalThis.Request;
  if (ACCEPTING in Native) return;
  const Accepting: NativeRequest = new Proxy(Native, {
    construct: (target, [input, ...rest]: unknown[], newTarget: unknown) =>
      Reflect.construct(
        target,
        input === undefined && rest.length === 0 ? [] : [LazyRequest.toNative(input), ...rest],
        newTarget === Accepting ? target : (newTarget as NativeRequest), // only constructors get here
      ),
  });
  Object.defineProperty(Native, ACCEPTING, { value: true });
  Native.prototype.constructor = Accepting;
  globalThis.Request = Accepting;
  wrapFetch('nexthop.lazy-request', (fetch) => (input, init) => fetch(LazyRequest.toNative(input), init));
}

export interface LazyRequestParts {
  /** The URL as the standard writes it. */
  readonly url: string;
  readonly headers: ReceivedHeaders;
  /** Makes the native Request. */
  readonly create: () => Request;
  /** The same changes as `create` makes to the headers of the exchange. */
  readonly changeHeaders?: ((headers: HeaderMap) => void) | undefined;
}

/**
 * A Request whose native one is made when code needs more of it than its method, URL, signal and single headers: making it costs more than the
 * rest of a small function. It is an instance of Request.
 */
export class LazyRequest {
  readonly #exchange: Exchange;
  readonly #parts: LazyRequestParts;
  #headers: LazyHeaders | undefined;
  #native: Request | undefined;

  static {
    Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);
    Reflect.deleteProperty(LazyRequest.prototype, 'constructor');
    // Everything else is that of the native one, whatever this version of Node has.
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(Request.prototype))) {
      if (name === 'constructor') continue;
      const own = Object.getOwnPropertyDescriptor(LazyRequest.prototype, name);
      const read = function (this: LazyRequest): unknown {
        return Reflect.get(this.#toNative(), name);
      };
      const call = function (this: LazyRequest, ...given: unknown[]): unknown {
        const native = this.#toNative();
        return Reflect.apply(Reflect.get(native, name), native, given);
      };
      const made = get ? { get: read } : { value: typeof value === 'function' ? call : value, writable: true };
      Object.defineProperty(LazyRequest.prototype, name, { ...(own ?? made), enumerable: true, configurable: true });
    }
  }

  /** Of a request for which `isUsable` is true. */
  constructor(exchange: Exchange, parts: LazyRequestParts) {
    threads.markAsUncloneable(this);
    this.#exchange = exchange;
    this.#parts = parts;
  }

  /** False in an unusual case, which needs a native Request: a method whose name the native class changes or refuses, or globals that were not replaced. */
  static isUsable({ request }: Exchange): boolean {
    return ACCEPTING in globalThis.Request && USUAL_METHODS.has(request.method);
  }

  /** A native Request if no lazy one is usable. */
  static create(exchange: Exchange, parts: LazyRequestParts): Request {
    if (!LazyRequest.isUsable(exchange)) return parts.create();
    return new LazyRequest(exchange, parts) as unknown as Request; // the static block defines the other members
  }

  /** The native Request of a lazy one was not made: nothing has changed its headers or looked at its body. */
  static isUnseen(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #native in value && value.#native === undefined;
  }

  /** The native Request of a lazy one; any other value as it is. */
  static toNative<T>(value: T): T | Request {
    return typeof value === 'object' && value !== null && TO_NATIVE in value
      ? (value as unknown as LazyRequest)[TO_NATIVE]()
      : value;
  }

  [TO_NATIVE](): Request {
    return this.#toNative();
  }

  get method(): string {
    return this.#exchange.request.method;
  }

  get url(): string {
    return this.#parts.url;
  }

  get headers(): Headers {
    this.#headers ??= new LazyHeaders({
      received: this.#parts.headers,
      change: this.#parts.changeHeaders,
      toNative: () => this.#toNative().headers,
    });
    return this.#headers as unknown as Headers;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get body(): Request['body'] {
    return this.#native || hasBody(this.#exchange.request) ? this.#toNative().body : null;
  }

  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? false;
  }

  #toNative(): Request {
    this.#native ??= this.#parts.create();
    return this.#native;
  }
}

/** Those that a Request takes, in this case. */
const USUAL_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
