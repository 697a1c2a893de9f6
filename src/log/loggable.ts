import { isError } from '../contract/error-message.ts';
import { REMOVED, toLoggableText } from '../contract/loggable-text.ts';
import { shortAddress } from './short-address.ts';

/**
 * Keys whose values are credentials, in lower case and without dashes and underscores: headers,
 * variables, form values.
 */
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'proxyauthorization', 'cookie', 'cookies', 'setcookie']);

/** Keys of nexthop's own log lines that hold client addresses. */
const CLIENT_ADDRESSES: ReadonlySet<string> = new Set(['peer', 'remote_addr']);

const DEEPEST = 8;
/** Most values that are copied: a thrown object may refer to the whole process. */
const MOST_VALUES = 500;

export interface LoggableOptions {
  readonly shortAddresses: boolean;
  /** An error whose stack is in another part of the line. */
  readonly withoutStackOf?: unknown;
}

/**
 * Converts the details of a log line to plain JSON data of bounded size, without secrets. Errors
 * keep type, message, stack and cause. Of class instances only the class name is kept: a request or
 * a socket holds far too much. Throws an error that a getter throws.
 */
export function toLoggable(
  details: Readonly<Record<string, unknown>>,
  { shortAddresses, withoutStackOf }: LoggableOptions,
): Record<string, unknown> {
  return new Copy(shortAddresses, withoutStackOf).ofEntries(Object.entries(details), DEEPEST);
}

class Copy {
  readonly #shortAddresses: boolean;
  readonly #withoutStackOf: unknown;
  #valuesLeft = MOST_VALUES;

  constructor(shortAddresses: boolean, withoutStackOf: unknown) {
    this.#shortAddresses = shortAddresses;
    this.#withoutStackOf = withoutStackOf;
  }

  ofEntries(entries: Iterable<readonly [unknown, unknown]>, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const [key, value] of entries) {
      const name = String(key);
      if (this.#valuesLeft <= 0) break;
      copy[name] = this.#ofHeader(name, value, depth);
    }
    return copy;
  }

  #ofHeader(name: string, value: unknown, depth: number): unknown {
    if (isSecret(name)) return REMOVED;
    if (this.#shortAddresses && CLIENT_ADDRESSES.has(name)) return shortAddress(String(value));
    return this.#of(value, depth);
  }

  #of(value: unknown, depth: number): unknown {
    this.#valuesLeft--;
    switch (typeof value) {
      case 'string':
        return toLoggableText(value);
      case 'number':
      case 'boolean':
      case 'undefined':
        return value;
      case 'bigint':
      case 'symbol':
        return String(value);
      case 'function':
        return `[function ${value.name}]`;
      case 'object':
        return value === null ? null : this.#ofObject(value, depth - 1);
    }
  }

  #ofObject(value: object, depth: number): unknown {
    if (depth < 0) return '[deeper]';
    if (isError(value)) return this.#ofError(value, depth);
    if (Array.isArray(value)) return this.#ofArray(value, depth);
    if (value instanceof Map) return this.ofEntries(value, depth);
    if (value instanceof Set) return this.#ofArray([...value], depth);
    if (value instanceof Date || value instanceof URL) return toLoggableText(String(value.toJSON()));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) return this.ofEntries(Object.entries(value), depth);
    return `[${value.constructor?.name ?? 'object'}]`;
  }

  #ofError(error: Error, depth: number): Record<string, unknown> {
    const { message, stack, cause } = error;
    const copy: Record<string, unknown> = {
      type: error.constructor?.name ?? error.name,
      message: this.#of(message, depth),
      ...(error !== this.#withoutStackOf && { stack: this.#of(stack, depth) }),
      // Codes and similar properties. They do not overwrite the properties of Error itself.
      ...this.ofEntries(
        Object.entries(error).filter(([name]) => !['message', 'stack', 'cause', 'errors'].includes(name)),
        depth,
      ),
    };
    if (cause !== undefined) copy.cause = this.#of(cause, depth);
    if ('errors' in error) copy.errors = this.#of(error.errors, depth);
    return copy;
  }

  /** The array may be a flat list of headers: name, value, name, value. */
  #ofArray(list: readonly unknown[], depth: number): unknown[] {
    const copy: unknown[] = [];
    for (const [index, element] of list.entries()) {
      if (this.#valuesLeft <= 0) break;
      const before = list[index - 1];
      copy.push(typeof before === 'string' && isSecret(before) ? REMOVED : this.#of(element, depth));
    }
    return copy;
  }
}

function isSecret(name: string): boolean {
  return SECRETS.has(name.toLowerCase().replaceAll(/[-_]/g, ''));
}
