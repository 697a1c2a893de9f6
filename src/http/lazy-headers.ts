// Not by its name, which older versions of Node do not have: they get to the message that they are too old.
import threads from 'node:worker_threads';
import { findHeader } from '../contract/header-list.ts';
import { HOP_BY_HOP } from './headers.ts';
import type { ReceivedHeaders } from './received-headers.ts';

/** The headers of one call, with lower-case names. The standard's `Headers` is one. */
export interface HeaderMap {
  get(name: string): string | null;
  set(name: string, value: string): void;
}

export interface LazyHeadersParts {
  readonly received: ReceivedHeaders;
  /** Called at the first read. */
  readonly change: ((headers: HeaderMap) => void) | undefined;
  /** The native Headers with the same content. Called at each use; returns the same object. */
  readonly toNative: () => Headers;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The Headers of a lazy request: single ones are looked up in the list as received, until code needs anything else. It is an instance of Headers, and
 * the native classes read it through its iterator.
 */
export class LazyHeaders {
  readonly #parts: LazyHeadersParts;
  #native: Headers | undefined;
  #changed: ChangedHeaders | undefined;

  static {
    Object.setPrototypeOf(LazyHeaders.prototype, Headers.prototype);
    Reflect.deleteProperty(LazyHeaders.prototype, 'constructor');
    const { prototype } = Headers;
    for (const name of Reflect.ownKeys(prototype)) {
      const { value, enumerable = false } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
      if (typeof value !== 'function' || name === 'constructor') continue;
      const own = Object.getOwnPropertyDescriptor(LazyHeaders.prototype, name);
      const call = function (this: LazyHeaders, ...given: unknown[]): unknown {
        return Reflect.apply(value, this.#toNative(), given);
      };
      const made = { value: call, writable: true, configurable: true };
      Object.defineProperty(LazyHeaders.prototype, name, { ...(own ?? made), enumerable });
    }
  }

  constructor(parts: LazyHeadersParts) {
    threads.markAsUncloneable(this);
    this.#parts = parts;
  }

  get(...given: [name: string]): string | null {
    const [name] = given;
    if (this.#native || typeof name !== 'string' || !TOKEN.test(name)) return this.#toNative().get(...given);
    const lowerName = name.toLowerCase();
    // The native ones have no header of the connection but the one of an upgrade.
    if (HOP_BY_HOP.has(lowerName)) return this.#toNative().get(name);
    this.#changed ??= new ChangedHeaders(this.#parts);
    return this.#changed.get(lowerName);
  }

  has(...given: [name: string]): boolean {
    const [name] = given;
    return typeof name === 'string' && TOKEN.test(name) ? this.get(name) !== null : this.#toNative().has(...given);
  }

  forEach(...given: Parameters<Headers['forEach']>): void {
    const [callback, thisArgument] = given;
    const native = this.#toNative();
    const self = this as unknown as Headers; // the static block defines the other members
    if (typeof callback !== 'function') native.forEach(...given);
    else native.forEach((value, name) => void callback.call(thisArgument, value, name, self));
  }

  #toNative(): Headers {
    this.#native ??= this.#parts.toNative();
    return this.#native;
  }
}

/** The received headers, and those that replace them. */
class ChangedHeaders implements HeaderMap {
  readonly #received: ReceivedHeaders;
  readonly #set: string[] = [];

  constructor({ received, change }: LazyHeadersParts) {
    this.#received = received;
    change?.(this);
  }

  get(name: string): string | null {
    return findHeader(this.#set, name) ?? this.#received.get(name) ?? null;
  }

  /** Once for each name. */
  set(name: string, value: string): void {
    this.#set.push(name, value);
  }
}
