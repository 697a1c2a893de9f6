import type { ReadableStream } from 'node:stream/web';
import { parseCookie } from 'cookie';
import type { Exchange } from '../../../contract/exchange.ts';
import { LazyRequest, type LazyRequestParts } from '../../../http/lazy-request.ts';
import { ReceivedHeaders } from '../../../http/received-headers.ts';
import { toHref, toUrlOfPath } from '../../../http/request-url.ts';
import { type ReceivedParts, WebRequest } from '../../../http/web-request.ts';
import type { PreparedBody } from './prepared-body.ts';

/**
 * A value of the query. A name without "=" is true; the texts `true`, `false` and `null` are
 * converted.
 */
type QueryValue = string | boolean | null;

type Query = Record<string, QueryValue | QueryValue[]>;

/** What a request has besides its exchange. The first two are sources of the body. */
export interface RequestParts {
  /** Creates the stream of the body. */
  readonly toStream?: () => ReadableStream;
  /**
   * The body, already read. `request.body` is then a value, as on the platform, instead of a
   * stream.
   */
  readonly prepared?: PreparedBody | undefined;
  /** What the code sees as the path. Undefined: the path as received. */
  readonly path?: string | undefined;
  /** Default: those of the exchange. */
  readonly headers?: ReceivedHeaders;
  /** Makes `request.eo`, which only edge functions have. */
  readonly toInfo?: (() => unknown) | undefined;
}

/** A standard Request with the additions of the platform. */
export interface EdgeOneRequest extends Omit<Request, 'body'> {
  readonly body: unknown;
  /** Cookies by name, decoded. Of a repeated name the first is used: it has the longer path (RFC 6265 5.4). */
  readonly cookies: Record<string, string>;
  /** Query parameters by name. A repeated name has a list of its values. */
  readonly query: Query;
}

/** The request of an exchange for a function. It becomes native when code needs more of it than most do. */
export function toEdgeOneRequest(exchange: Exchange, parts: RequestParts = {}): EdgeOneRequest {
  const { toStream, prepared, path } = parts;
  const toBody = prepared ? () => prepared.toStream() : toStream;
  const isLazy = LazyRequest.isUsable(exchange);
  if (!isLazy && path === undefined) return new NativeRequest(exchange, toBody, { parts }) as unknown as EdgeOneRequest;
  const url = path === undefined ? toHref(exchange) : toUrlOfPath(exchange, path).href;
  const received = { url, headers: parts.headers ?? new ReceivedHeaders(exchange.request) };
  if (!isLazy) return new NativeRequest(exchange, toBody, { parts, received }) as unknown as EdgeOneRequest;
  const create = () => new WebRequest(exchange, toBody, received) as unknown as Request;
  // Two classes whose types cannot declare all members of a Request.
  return new OwnRequest(exchange, { ...received, create }, parts) as unknown as EdgeOneRequest;
}

/** What both classes below add. Each value is parsed on first use. */
class Additions {
  readonly #request: Pick<Request, 'url' | 'headers'>;
  readonly #parts: RequestParts;
  #value: { readonly value: unknown } | undefined;
  #cookies: Record<string, string> | undefined;
  #query: Query | undefined;
  #info: unknown;

  constructor(request: Pick<Request, 'url' | 'headers'>, parts: RequestParts) {
    this.#request = request;
    this.#parts = parts;
  }

  /** `toBody`: the body of the standard. */
  toBody(toBody: () => unknown): unknown {
    const { prepared } = this.#parts;
    if (!prepared) return toBody();
    this.#value ??= { value: prepared.toValue(this.#request.headers) };
    return this.#value.value;
  }

  get cookies(): Record<string, string> {
    this.#cookies ??= toCookies(this.#request.headers.get('cookie') ?? '');
    return this.#cookies;
  }

  get query(): Query {
    this.#query ??= toQuery(this.#request.url);
    return this.#query;
  }

  get info(): unknown {
    this.#info ??= this.#parts.toInfo?.();
    return this.#info;
  }
}

/** Gives the additions to the requests of a class. Those that the standard has, too, are listed as there. */
function addMembers<R extends object>(prototype: R, of: (request: R) => Additions): void {
  const standard: object = Object.getPrototypeOf(prototype);
  const members: Readonly<Record<string, (request: R) => unknown>> = {
    body: (request) => of(request).toBody(() => Reflect.get(standard, 'body', request)),
    cookies: (request) => of(request).cookies,
    query: (request) => of(request).query,
    eo: (request) => of(request).info,
  };
  for (const [name, read] of Object.entries(members)) {
    const get = function (this: R): unknown {
      return read(this);
    };
    Object.defineProperty(prototype, name, { get, configurable: true, enumerable: name in standard });
  }
}

class OwnRequest extends LazyRequest {
  readonly #additions: Additions;

  static {
    // Code of users sees the class Request.
    Reflect.deleteProperty(OwnRequest.prototype, 'constructor');
    addMembers(OwnRequest.prototype, (request) => request.#additions);
  }

  constructor(exchange: Exchange, lazy: LazyRequestParts, parts: RequestParts) {
    super(exchange, lazy);
    this.#additions = new Additions(this, parts);
  }
}

class NativeRequest extends WebRequest {
  readonly #additions: Additions;

  static {
    addMembers(NativeRequest.prototype, (request) => request.#additions);
  }

  constructor(
    exchange: Exchange,
    toBody: (() => ReadableStream) | undefined,
    { parts, received }: { readonly parts: RequestParts; readonly received?: ReceivedParts },
  ) {
    super(exchange, toBody, received);
    this.#additions = new Additions(this, parts);
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

function toQuery(url: string): Query {
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
