/**
 * Types for the functions of EdgeOne Pages: `import type { EventContext } from 'nexthop/edgeone'`. Types alone, so that nothing of nexthop runs in
 * a function and the same file runs on the platform. Whatever stands here only for nexthop says so.
 */

import type { CookieOptions } from '../dialects/edgeone/middleware/response-cookies.ts';

export type { CookieOptions };

/** What `[id]` and `[[rest]]` in the path of a file took from that of the request: a decoded text, or a list of segments as they were sent. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

/** Variables: those of the process, and of the site's `.env`. */
export type Env = Record<string, string | undefined>;

/** A value of the query: a flag without "=" is true, and the texts true, false and null are what they say. */
export type QueryValue = string | boolean | null;

/** The standard Request, and what the platform adds to it. */
export interface EdgeOneRequest<Body = unknown> extends Omit<Request, 'body'> {
  /**
   * A parsed value for JSON and forms, a string for plain text, undefined if there is none, else a Buffer that can also be read as a stream. With `BODY=stream` or
   * `export const config = { body: 'stream' }` the stream of the standard.
   */
  readonly body: Body;
  /** By name, decoded. */
  readonly cookies: Record<string, string>;
  /** By name; a repeated name has a list. */
  readonly query: Record<string, QueryValue | QueryValue[]>;
}

/** Where the client is. All values are texts; what is unknown is absent. */
export interface Geo {
  readonly asn?: string;
  readonly countryName?: string;
  readonly countryCodeAlpha2?: string;
  readonly countryCodeNumeric?: string;
  readonly regionName?: string;
  /** As in ISO 3166-2, e.g. `MZ-MPM`. */
  readonly regionCode?: string;
  readonly cityName?: string;
  readonly latitude?: string;
  readonly longitude?: string;
  /** The network's operator. */
  readonly cisp?: string;
}

/** The place that answers, and the request's id there. */
export interface ServerInfo {
  readonly region: string;
  readonly requestId: string;
}

/** What an app of a framework finds in `request.context` of Node's request (Koa: `ctx.req.context`). */
export interface AppContext<P = Params, E = Env> {
  readonly env: E;
  readonly params: P;
  /** The request's id in the logs. */
  readonly uuid: string;
  readonly server: ServerInfo;
  readonly clientIp: string;
  readonly geo: Geo;
}

/** What a handler is called with. `EventContext<{ id: string }>` says what the path gives, `EventContext<Params, Env, { prompt: string }>` what the body is. */
export interface EventContext<P = Params, E = Env, Body = unknown> extends AppContext<P, E> {
  readonly request: EdgeOneRequest<Body>;
  /** Keeps the process from ending before the promise settles. On the platform only middleware has it. */
  waitUntil(work: unknown): void;
}

/** What a handler may return: a Response as it is, a WebSocket, any other value as JSON; nothing is a 404. */
export type HandlerResult = Response | WebSocketResult | object | string | number | boolean | null | undefined;

/** `onRequest`, `onRequestGet`, `onRequestPost`, `onRequestPut`, `onRequestPatch`, `onRequestDelete`, `onRequestHead` and `onRequestOptions`. */
export type Handler<P = Params, E = Env> = (context: EventContext<P, E>) => HandlerResult | Promise<HandlerResult>;

/** A message; without another `binaryType` it is a Buffer, of text too. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];

/** What is used most of a socket of the package `ws`, which it is; for all of it install `@types/ws` and take its `WebSocket`. */
export interface FunctionSocket {
  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes that wait for the client. */
  readonly bufferedAmount: number;
  readonly protocol: string;
  send(data: string | Uint8Array | ArrayBuffer, sent?: (error?: Error) => void): void;
  close(code?: number, reason?: string): void;
  /** Without a farewell. */
  terminate(): void;
  ping(data?: string | Uint8Array): void;
  on(event: 'message', listener: (data: SocketData, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'pong', listener: (data: Buffer) => void): unknown;
}

/** The request by which a WebSocket was asked for: what there is of it in Node's `IncomingMessage`. */
export interface UpgradeRequest {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is called on a WebSocket; nothing is awaited. */
export interface WebSocketCallbacks {
  onopen?(socket: FunctionSocket, request: UpgradeRequest): unknown;
  /** An exception closes the socket with 1011. */
  onmessage?(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown;
  onclose?(socket: FunctionSocket, code: number, reason: Buffer): unknown;
  onerror?(socket: FunctionSocket, error: Error): unknown;
}

/** What a handler returns to open a WebSocket. */
export interface WebSocketResult {
  readonly websocket: WebSocketCallbacks;
}

/** What can be stored under a key. */
export type KvValue = string | ArrayBuffer | ArrayBufferView | ReadableStream;

export interface KvListOptions {
  readonly prefix?: string | undefined;
  /** 256 at most, which is also the default. */
  readonly limit?: number | undefined;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

export interface KvListResult {
  /** In the order of their bytes. `key` and `name` are the same: code for the platform uses either. */
  readonly keys: readonly { readonly key: string; readonly name: string }[];
  /** There are no more. */
  readonly complete: boolean;
  readonly cursor: string | undefined;
}

/** A namespace of KV storage, bound by KV_BINDINGS: `declare const my_kv: KvNamespace`. Keys are 1 to 512 bytes of UTF-8 without control characters; values at most 25 MB. */
export interface KvNamespace {
  /** Null if there is no such key. */
  get(key: string, options?: 'text' | { readonly type?: 'text' }): Promise<string | null>;
  get<T = unknown>(key: string, options: 'json' | { readonly type: 'json' }): Promise<T | null>;
  get(key: string, options: 'arrayBuffer' | { readonly type: 'arrayBuffer' }): Promise<ArrayBuffer | null>;
  get(key: string, options: 'stream' | { readonly type: 'stream' }): Promise<ReadableStream<Uint8Array> | null>;
  put(key: string, value: KvValue): Promise<void>;
  delete(key: string): Promise<void>;
  list(options?: KvListOptions): Promise<KvListResult>;
}

export interface NamedCookie {
  readonly name: string;
  readonly value: string;
}

/** The cookies that an answer sets. */
export interface ResponseCookies {
  set(cookie: NamedCookie & CookieOptions): unknown;
  set(name: string, value: string, options?: CookieOptions): unknown;
  get(name: string): NamedCookie | undefined;
  /** Of that name, or all. */
  getAll(name?: string): readonly NamedCookie[];
  has(name: string): boolean;
  delete(name: string, place?: Pick<CookieOptions, 'path' | 'domain'>): unknown;
}

/** What `next`, `redirect` and `rewrite` give a middleware to return. */
export interface MiddlewareResponse extends Response {
  readonly cookies: ResponseCookies;
}

type Fields = Headers | Record<string, string> | [string, string][];

export interface NextOptions {
  /** Added to the answer, and set on the request if `request.headers` is not given. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** What `middleware` is called with. */
export interface MiddlewareContext<E = Env> {
  readonly request: EdgeOneRequest<Request['body']>;
  /** The parts of the request's URL; a copy, which may be changed and given to `rewrite` or `redirect`. */
  readonly urlInfo: URL;
  readonly env: E;
  readonly geo: Geo;
  readonly clientIp: string;
  /** The request goes on. */
  next(options?: NextOptions): MiddlewareResponse;
  /** The client is led elsewhere; 307 without another status. */
  redirect(url: string | URL, status?: number): MiddlewareResponse;
  /** The request goes on as one for another path. */
  rewrite(url: string | URL): MiddlewareResponse;
  waitUntil(work: unknown): void;
}

/** The function `middleware`. Nothing returned: the request goes on. */
export type Middleware<E = Env> = (
  context: MiddlewareContext<E>,
) => Response | null | undefined | Promise<Response | null | undefined>;

type Pattern = string | { readonly source: string };

/** `export const config` of a middleware. */
export interface MiddlewareConfig {
  /** Paths for which the middleware is called; default: all. */
  readonly matcher?: Pattern | readonly Pattern[];
}
