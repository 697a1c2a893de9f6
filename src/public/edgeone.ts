/// <reference types="node" preserve="true" />
/**
 * Types for functions of EdgeOne Pages: `import type { EventContext } from 'nexthop/edgeone'`.
 * There are only types, so the same file also runs on the platform. Members that only nexthop has
 * are marked in their comments.
 */

import type { ConversationStore } from '../dialects/edgeone/conversations/conversation-store.ts';
import type { CookieOptions } from '../dialects/edgeone/middleware/response-cookies.ts';

export type { ConversationStore, CookieOptions };

/**
 * Values of `[id]` and `[[rest]]` in the path of a file: a decoded string, or a list of segments as
 * they were sent.
 */
export type Params = Readonly<Record<string, string | readonly string[]>>;

/** Environment variables of the process and of the site's `.env`. */
export type Env = Record<string, string | undefined>;

/**
 * A value of the query. A name without "=" is true; the texts `true`, `false` and `null` are
 * converted.
 */
export type QueryValue = string | boolean | null;

/** A standard Request with the platform's additions. */
export interface EdgeOneRequest<Body = unknown> extends Omit<Request, 'body'> {
  /**
   * A parsed value for JSON and forms, a string for plain text, undefined for an empty body,
   * otherwise a Buffer that can also be read as a stream. With `BODY=stream` or `export const
   * config = { body: 'stream' }`: the stream of the standard.
   */
  readonly body: Body;
  /** Cookies by name, decoded. */
  readonly cookies: Record<string, string>;
  /** Query parameters by name. A repeated name has a list of its values. */
  readonly query: Record<string, QueryValue | QueryValue[]>;
}

/** The client's location. All values are strings; unknown ones are absent. */
export interface Geo {
  readonly asn?: string;
  readonly countryName?: string;
  readonly countryCodeAlpha2?: string;
  readonly countryCodeNumeric?: string;
  readonly regionName?: string;
  /** ISO 3166-2 code, e.g. `MZ-MPM`. */
  readonly regionCode?: string;
  readonly cityName?: string;
  readonly latitude?: string;
  readonly longitude?: string;
  /** Operator of the client's network. */
  readonly cisp?: string;
}

/** The region that answers, and the request's id there. */
export interface ServerInfo {
  readonly region: string;
  readonly requestId: string;
}

/** The client's location in an edge function: three values are numbers there. */
export interface EdgeGeo extends Omit<Geo, 'asn' | 'latitude' | 'longitude'> {
  readonly asn?: number;
  readonly latitude?: number;
  readonly longitude?: number;
}

/** What an edge function knows about the client and the request. */
export interface EdgeInfo {
  readonly geo: EdgeGeo;
  readonly uuid: string;
  readonly clientIp: string;
}

export interface EdgeRequest extends Request {
  readonly eo: EdgeInfo;
}

/** The argument of an edge function. `params` are as in the path: not decoded. */
export interface EdgeContext<P = Params, E = Env> {
  readonly request: EdgeRequest;
  readonly params: P;
  readonly env: E;
  readonly eo: EdgeInfo;
  /** Delays the end of the process until the promise settles. */
  waitUntil(work: unknown): void;
}

/** `onRequest` and its variants in an edge function. */
export type EdgeHandler<P = Params, E = Env> = (context: EdgeContext<P, E>) => Response | Promise<Response>;

/** `request.context` of an app, a property of Node's request (Koa: `ctx.req.context`). */
export interface AppContext<P = Params, E = Env> {
  readonly env: E;
  readonly params: P;
  /** Id of the request, from EdgeOne in front or nexthop's own. */
  readonly uuid: string;
  readonly server: ServerInfo;
  readonly clientIp: string;
  readonly geo: Geo;
}

/**
 * The argument of a handler. `EventContext<{ id: string }>` declares the params,
 * `EventContext<Params, Env, { prompt: string }>` the body.
 */
export interface EventContext<P = Params, E = Env, Body = unknown> extends AppContext<P, E> {
  readonly request: EdgeOneRequest<Body>;
  /** Conversations of agents. `conversation_id`: of the request; '' without one. */
  readonly agent: { readonly conversation_id: string; readonly store: ConversationStore | undefined };
  /**
   * Delays the end of the process until the promise settles. On the platform only middleware has
   * it.
   */
  waitUntil(work: unknown): void;
}

/**
 * The result of a handler: a Response, a WebSocket, or a value that is sent as JSON. A falsy value
 * becomes a 404.
 */
export type HandlerResult = Response | WebSocketResult | object | string | number | boolean | null | undefined;

/**
 * `onRequest`, `onRequestGet`, `onRequestPost`, `onRequestPut`, `onRequestPatch`,
 * `onRequestDelete`, `onRequestHead` and `onRequestOptions`.
 */
export type Handler<P = Params, E = Env> = (context: EventContext<P, E>) => HandlerResult | Promise<HandlerResult>;

/** A message of a WebSocket. A Buffer, also for text, unless `binaryType` was changed. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];

/**
 * The most used members of a WebSocket of the package `ws`. For all members, install `@types/ws`
 * and use its type `WebSocket`.
 */
export interface FunctionSocket {
  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes that are not sent yet. */
  readonly bufferedAmount: number;
  readonly protocol: string;
  send(data: string | Uint8Array | ArrayBuffer, sent?: (error?: Error) => void): void;
  close(code?: number, reason?: string): void;
  /** Closes the connection without a close frame. */
  terminate(): void;
  ping(data?: string | Uint8Array): void;
  on(event: 'message', listener: (data: SocketData, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'pong', listener: (data: Buffer) => void): unknown;
}

/** The request of the handshake: a part of Node's `IncomingMessage`. */
export interface UpgradeRequest {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Callbacks of a WebSocket. Returned promises are not awaited. */
export interface WebSocketCallbacks {
  onopen?(socket: FunctionSocket, request: UpgradeRequest): unknown;
  /** An exception closes the socket with 1011. */
  onmessage?(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown;
  onclose?(socket: FunctionSocket, code: number, reason: Buffer): unknown;
  onerror?(socket: FunctionSocket, error: Error): unknown;
}

/** The result with which a handler opens a WebSocket. */
export interface WebSocketResult {
  readonly websocket: WebSocketCallbacks;
}

/** A value for `put`. */
export type KvValue = string | ArrayBuffer | ArrayBufferView | ReadableStream;

export interface KvListOptions {
  readonly prefix?: string | undefined;
  /** At most 256, which is also the default. */
  readonly limit?: number | undefined;
  /** `cursor` of the previous page. */
  readonly cursor?: string | undefined;
}

export interface KvListResult {
  /**
   * In the order of their bytes. `key` and `name` are equal, because code for the platform uses
   * either.
   */
  readonly keys: readonly { readonly key: string; readonly name: string }[];
  /** True on the last page. */
  readonly complete: boolean;
  readonly cursor: string | undefined;
}

/**
 * A namespace of KV storage, bound by KV_BINDINGS: `declare const my_kv: KvNamespace`. A key has 1
 * to 512 bytes of UTF-8 without control characters, a value at most 25 MB.
 */
export interface KvNamespace {
  /** Null if the key does not exist. */
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

/** The cookies that a response sets. */
export interface ResponseCookies {
  set(cookie: NamedCookie & CookieOptions): unknown;
  set(name: string, value: string, options?: CookieOptions): unknown;
  get(name: string): NamedCookie | undefined;
  /** All cookies, or those with the given name. */
  getAll(name?: string): readonly NamedCookie[];
  has(name: string): boolean;
  delete(name: string, scope?: Pick<CookieOptions, 'path' | 'domain'>): unknown;
}

/** The result of `next`, `redirect` and `rewrite`. A middleware returns it. */
export interface MiddlewareResponse extends Response {
  readonly cookies: ResponseCookies;
}

type Fields = Headers | Record<string, string> | [string, string][];

export interface NextOptions {
  /** Headers to add to the response. Also set on the request if `request.headers` is absent. */
  readonly headers?: Fields;
  readonly request?: { readonly headers?: Fields };
}

/** The argument of `middleware`. */
export interface MiddlewareContext<E = Env> {
  readonly request: EdgeOneRequest<Request['body']>;
  /** The URL of the request. A copy: code may change it and pass it to `rewrite` or `redirect`. */
  readonly urlInfo: URL;
  readonly env: E;
  readonly geo: Geo;
  readonly clientIp: string;
  /** Lets the request continue. */
  next(options?: NextOptions): MiddlewareResponse;
  /** Redirects the client. Default status: 307. */
  redirect(url: string | URL, status?: number): MiddlewareResponse;
  /** Lets the request continue with another path. */
  rewrite(url: string | URL): MiddlewareResponse;
  waitUntil(work: unknown): void;
}

/** The function `middleware`. If it returns nothing, the request continues. */
export type Middleware<E = Env> = (
  context: MiddlewareContext<E>,
) => Response | null | undefined | Promise<Response | null | undefined>;

type Pattern = string | { readonly source: string };

/** `export const config` of a middleware. */
export interface MiddlewareConfig {
  /** Paths for which the middleware is called. Default: all. */
  readonly matcher?: Pattern | readonly Pattern[];
}
