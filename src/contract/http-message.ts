/**
 * The request and the response of an exchange on the path of a request. `wire/` implements both over its own connections, `http/` over
 * the `IncomingMessage` and `ServerResponse` of Node (a host's server, or a framework of the site). All other rooms use these interfaces only.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from './fault.ts';

/** A request with a complete and valid head. */
export interface IncomingRequest {
  /** Any token, in its case. */
  readonly method: string;
  /** In origin-form, byte for byte as received, or `*` of an OPTIONS. */
  readonly target: string;
  /** HTTP/1.`minor`. */
  readonly minor: 0 | 1;
  /** Flat (name, value, name, value), in latin1: order, case and repeats as received, unless `replaceHeaders` was called. */
  readonly headers: readonly string[];
  /** Undefined only in HTTP/1.0. */
  readonly host: string | undefined;
  /** The name of a header may have an underscore. */
  readonly hasUnderscoreName: boolean;
  /** The names of `headers` without those that a request usually has; undefined or absent if that is not known without making the list. */
  readonly unknownNames?: readonly string[] | undefined;
  /** `replaceHeaders` was called; absent if that is not known. */
  readonly isChanged?: boolean;
  /** The headers (flat) before `replaceHeaders` was called. Absent if they are not kept. */
  toReceivedList?(): readonly string[];
  /** The value of Connection; undefined without it. */
  readonly connection: string | undefined;
  /** The protocols of the Upgrade header; undefined if the request is no upgrade. */
  readonly upgrade: string | undefined;
  readonly body: BodySource;
  /** Of the head as received, with its empty line; absent if that is not known. */
  readonly headBytes?: number | undefined;
  /** nexthop itself made it, e.g. for a schedule; no client can set it. */
  readonly isOwn?: boolean;
  /** Of the connection: address and port of the peer, and whether it is encrypted. Not to be read, written or ended. */
  readonly socket: Socket;
  /** The value of a header, by its name in lower case; repeats are joined with ", " (Cookie: "; "). Undefined without it. */
  get(name: string): string | undefined;
  /**
   * All code that reads the request later gets these headers (flat). Framing, `host`, `connection` and `upgrade` do not change. Throws a TypeError
   * for what is no header.
   */
  replaceHeaders(headers: readonly string[]): void;
}

/** The request and the response as Node's own objects, for code that needs them: Express, Koa, Astro builds, `ws`. */
export interface NodePair {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /**
   * What code still writes through `response` is dropped from now on, as if it had been sent; the first time it calls `onLate`. A response
   * that is written with the `ResponseSink` is sent. May be called again.
   */
  mute(onLate?: () => void): void;
}

/** Makes Node's objects of a pair. */
export interface NodeObjects {
  createRequest(socket: Socket): IncomingMessage;
  createResponse(request: IncomingMessage): ServerResponse;
}

/** The exchange of a pair, as far as the pair needs it. */
export interface PairOwner {
  /** Undefined: those of `node:http`. */
  readonly nodeObjects?: NodeObjects | undefined;
  /** Rules of the site change the status or the headers of the response. */
  readonly changesHead: boolean;
  /** The status that is sent instead of `status`. */
  toSentStatus(status: number): number;
  /** The headers (flat) that are sent instead of `headers`. */
  applyLayers(status: number, headers: readonly string[]): readonly string[];
  /**
   * The body that code reads through Node's request will not come, or what it wrote through Node's response cannot be sent. False: nothing
   * answers the fault, and the connection is cut.
   */
  failPair(fault: Fault): boolean;
}

/** A pair, and the same request and response again, which from then on are read and written through the pair. */
export interface NodeView {
  readonly pair: NodePair;
  readonly request: IncomingRequest;
  readonly response: ResponseSink;
}

/**
 * The body of a request. Nothing of it is read before `start`, and a client that waits for `100 Continue` gets it then.
 * A body that is never started is discarded after the response, or the connection is closed.
 */
export interface BodySource {
  /** Bytes that the head announces; 0: there is no body; -1: it is in chunks. */
  readonly announcedBytes: number;
  /** Bytes of content that were given to the sink. */
  readonly receivedBytes: number;
  /** All of it was received and passed on. True from the beginning where there is no body. */
  readonly isComplete: boolean;
  /** `start` was called. False where there is no body. */
  readonly isStarted: boolean;
  /** It was started, is not paused, and not complete: the client has not sent what the sink takes. */
  readonly isAwaited: boolean;
  /** Why the rest does not come; see `BodySink.onFailure`. */
  readonly fault: Fault | undefined;
  /** Flat; empty before the body is complete. */
  readonly trailers: readonly string[];
  /** Lowers the limit of the body to `bytes` (0: leaves it). Throws `body_too_large` if the head announces more. */
  limit(bytes: number): void;
  /**
   * Resolves with the beginning of the body, as soon as `isEnough` accepts what was received so far, or with all of it. The bytes are not consumed: `start`
   * gives it again, so a target that has peeked may pass. Only of a body with an announced length, before `start`. Rejects with the Fault of the body.
   */
  peek(isEnough: (content: Buffer) => boolean): Promise<Buffer>;
  /** Gives the body to `sink`, the first pieces perhaps before it returns. Once only; throws for a second call. */
  start(sink: BodySink): void;
  /** No `onData` and no `onEnd` until `resume`. At most what the socket has given already is held. */
  pause(): void;
  resume(): void;
  /** Drops the rest; the sink gets nothing more. May be called in any state, more than once. */
  discard(): void;
}

export interface BodySink {
  /** A slice of what the socket received; it is not reused afterwards. */
  onData(content: Buffer): void;
  onEnd(): void;
  /**
   * The rest will not come: `client_left`, `request_timeout`, `body_too_large`, or a MessageFault of broken framing. The response may
   * still be written, except after `client_left`; then the connection is closed.
   */
  onFailure(fault: Fault): void;
}

/** Bytes, or text that is sent in UTF-8. */
export type Content = Uint8Array | string;

/** Where the response to one request is written. After the connection is gone every call does nothing. */
export interface ResponseSink {
  /** `head` was called; the status cannot be changed any more. */
  readonly isHeadWritten: boolean;
  /** `end` was called. */
  readonly isEnded: boolean;
  /** The response is whole at the client's kernel, or its connection is gone. */
  readonly isClosed: boolean;
  /** 0 before `head`. */
  readonly status: number;
  /** Content that was written, without framing. */
  readonly sentBytes: number;
  /** `write` returned false, and `drained` has not been called since. */
  readonly needsDrain: boolean;
  /** One listener; a later one replaces it. Called at once if the response is closed already. */
  listen(listener: ResponseListener): void;
  /** Sends an interim response (1xx but 101), before `head`. HTTP/1.0 clients get none. */
  inform(status: number, headers: readonly string[]): void;
  /**
   * Flat end-to-end headers: framing, Date, Keep-Alive and the like are added. Of headers of the connection only `Connection: close` is heeded. Without
   * a Content-Length the body goes in chunks, unless `end` follows at once. It leaves with the first content, at the latest at the
   * end of this turn. Throws a TypeError for a head that cannot be sent; then nothing was written.
   */
  head(status: number, reason: string, headers: readonly string[]): void;
  /** Content is dropped where a response has none (HEAD, 204, 304, 205). False: wait for `drained`. Throws for more than the Content-Length. */
  write(content: Content): boolean;
  /** `trailers`: flat; dropped where the body is not in chunks. Less than the Content-Length cuts the connection. Idempotent. */
  end(content?: Content, trailers?: readonly string[]): void;
  /** This is the last response of the connection. Before `head` it also says so to the client. */
  closeBehind(): void;
  /** Cuts the connection, so that the client can detect the incomplete response. Idempotent. */
  abort(): void;
  /**
   * Takes the connection for another protocol, of a request with `upgrade` and no body, before `head`. Nothing has been written; the caller writes the
   * 101. `head`: the bytes received after the request. The socket is paused, and has only a listener for errors. `status` is 101 from then on,
   * the response counts as ended, and `closed` is called when the socket closes. Throws if the connection is gone already.
   */
  takeOver(): { readonly socket: Socket; readonly head: Buffer };
  /**
   * Makes Node's objects, once, before `head`. From then on only the returned view is used: its `head` sends what it is given, without headers that
   * code has set on Node's response. `target`: becomes `url`.
   */
  toNode(request: IncomingRequest, target: string, owner: PairOwner): NodeView;
}

export interface ResponseListener {
  /** The final head was given to the connection, or the connection was taken over. */
  headWritten?(): void;
  drained(): void;
  /** Once. `isWhole`: the kernel took all of the response; else the client is gone, or the response was aborted. */
  closed(isWhole: boolean): void;
  /** The client sent its FIN: it will send no further request. It may wait for the response, or have closed; only a write shows which. */
  clientEnded?(): void;
}

/** Answers requests. Neither method may throw. */
export interface RequestHandler {
  handle(request: IncomingRequest, response: ResponseSink): void;
  /**
   * Writes the refusal of a request that has no valid head, or no whole one in time. `head`: as far as received, in latin1. The
   * connection is closed after it. `socket`: as `IncomingRequest.socket`.
   */
  refuse(fault: Fault, response: ResponseSink, head: string, socket: Socket): void;
}
