import type { ReadableStream } from 'node:stream/web';
import { parseCookie } from 'cookie';
import type { Exchange } from '../../../contract/exchange.ts';
import { WebRequest } from '../../../http/web-request.ts';
import type { PreparedBody } from './prepared-body.ts';

/**
 * A value of the query. A name without "=" is true; the texts `true`, `false` and `null` are
 * converted.
 */
type QueryValue = string | boolean | null;

/** Sources of the body other than the exchange. */
export interface BodyParts {
  /** Creates the stream of the body. */
  readonly toStream?: () => ReadableStream;
  /**
   * The body, already read. `request.body` is then a value, as on the platform, instead of a
   * stream.
   */
  readonly prepared?: PreparedBody | undefined;
}

/** A standard Request with the platform's additions. Each addition is parsed on first use. */
export class EdgeOneRequest extends WebRequest {
  readonly #prepared: PreparedBody | undefined;
  #value: { readonly value: unknown } | undefined;
  #cookies: Record<string, string> | undefined;
  #query: Record<string, QueryValue | QueryValue[]> | undefined;

  static {
    // Not a getter of the class: TypeScript declares `body` as a property, which a getter cannot
    // override.
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
   * Cookies by name, decoded. Of a repeated name the first is used: it has the longer path (RFC
   * 6265 5.4).
   */
  get cookies(): Record<string, string> {
    this.#cookies ??= toCookies(this.headers.get('cookie') ?? '');
    return this.#cookies;
  }

  /** Query parameters by name. A repeated name has a list of its values. */
  get query(): Record<string, QueryValue | QueryValue[]> {
    this.#query ??= toQuery(this.url);
    return this.#query;
  }
}

function toCookies(header: string): Record<string, string> {
  // A copy, because code of users may call methods of Object.prototype, which the parser's object
  // lacks.
  return { ...parseCookie(header, { decode: decodeCookie }) } as Record<string, string>; // every value is decoded
}

/** Removes the quotes of a quoted value (RFC 6265 4.1.1), then decodes it. */
function decodeCookie(value: string): string {
  return decode(/^".*"$/.test(value) ? value.slice(1, -1) : value);
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
    // A malformed escape: keep the text as received.
    return text;
  }
}
