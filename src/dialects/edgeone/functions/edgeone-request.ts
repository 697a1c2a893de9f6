import type { ReadableStream } from 'node:stream/web';
import type { Exchange } from '../../../contract/exchange.ts';
import { WebRequest } from '../../../http/web-request.ts';
import type { PreparedBody } from './prepared-body.ts';

/**
 * A value of the query: a flag without "=" is true, and the texts true, false and null are what
 * they say.
 */
type QueryValue = string | boolean | null;

/** Where the body of a request comes from, if not from the client as it is read. */
export interface BodyParts {
  /** The standard's stream. */
  readonly toStream?: () => ReadableStream;
  /**
   * The body is these bytes, and `body` is what the platform makes of them, in place of the
   * standard's stream.
   */
  readonly prepared?: PreparedBody | undefined;
}

/**
 * The standard Request, and what the platform adds to it. Each addition is parsed when it is first
 * asked for.
 */
export class EdgeOneRequest extends WebRequest {
  readonly #prepared: PreparedBody | undefined;
  #value: { readonly value: unknown } | undefined;
  #cookies: Record<string, string> | undefined;
  #query: Record<string, QueryValue | QueryValue[]> | undefined;

  static {
    // Not as a getter of the class: TypeScript knows `body` as a property.
    Object.defineProperty(EdgeOneRequest.prototype, 'body', {
      get: EdgeOneRequest.#bodyOf,
      configurable: true,
      enumerable: true,
    });
  }

  constructor(exchange: Exchange, { toStream, prepared }: BodyParts = {}) {
    super(exchange, prepared ? () => prepared.toStream() : toStream);
    this.#prepared = prepared;
  }

  static #bodyOf(this: EdgeOneRequest): unknown {
    if (!this.#prepared) return Reflect.get(WebRequest.prototype, 'body', this);
    this.#value ??= { value: this.#prepared.toValue(this.headers) };
    return this.#value.value;
  }

  /**
   * By name, decoded; of two cookies of one name the first, which is the more specific (RFC 6265
   * 5.4).
   */
  get cookies(): Record<string, string> {
    this.#cookies ??= toCookies(this.headers.get('cookie') ?? '');
    return this.#cookies;
  }

  /** By name; a repeated name has a list. */
  get query(): Record<string, QueryValue | QueryValue[]> {
    this.#query ??= toQuery(this.url);
    return this.#query;
  }
}

function toCookies(field: string): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    if (equals < 0 || pairs.has(name)) continue;
    const value = pair.slice(equals + 1).trim();
    pairs.set(name, decode(/^".*"$/.test(value) ? value.slice(1, -1) : value));
  }
  // Not by assignment: a cookie called __proto__ is a cookie.
  return Object.fromEntries(pairs);
}

function toQuery(url: string): Record<string, QueryValue | QueryValue[]> {
  const values = new Map<string, QueryValue | QueryValue[]>();
  const start = url.indexOf('?');
  for (const pair of start < 0 ? [] : url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
    const value = equals < 0 || toValue(decode(pair.slice(equals + 1).replaceAll('+', ' ')));
    const before = values.get(name);
    values.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(values);
}

const WORDS: ReadonlyMap<string, QueryValue> = new Map<string, QueryValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function toValue(text: string): QueryValue {
  const word = WORDS.get(text);
  return word === undefined ? text : word;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // A "%" that encodes nothing is left as the client wrote it.
    return text;
  }
}
