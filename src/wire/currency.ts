/**
 * The two ends of an exchange, as they travel on the path of a request. `wire/` implements them over its own connections; another
 * implementation may stand over the request and response of a host. Whatever is between knows these interfaces only.
 */
import type { Socket } from 'node:net';
import type { Fault } from '../contract/fault.ts';

/** A request whose head is whole and valid. */
export interface IncomingRequest {
  /** Any token, in its case. */
  readonly method: string;
  /** In origin-form, byte for byte as received, or `*` of an OPTIONS. */
  readonly target: string;
  /** HTTP/1.`minor`. */
  readonly minor: 0 | 1;
  /** Flat (name, value, name, value), as received: order, case, repeats; in latin1. */
  readonly headers: readonly string[];
  /** Undefined only in HTTP/1.0. */
  readonly host: string | undefined;
  /** The value of Connection; undefined without it. */
  readonly connection: string | undefined;
  /** The protocols that the client asks to change to; undefined if it does not ask. */
  readonly upgrade: string | undefined;
  readonly body: BodySource;
  /** Of the connection: address and port of the peer, and whether it is encrypted. Not to be read, written or ended. */
  readonly socket: Socket;
  /** The value of a header, by its name in lower case; repeats are joined with ", ". Undefined without it. */
  get(name: string): string | undefined;
}

/**
 * The body of a request. Nothing of it is read before `start`, and a client that waits for `100 Continue` gets it then.
 * What is never started is dropped behind the response, or the connection ends there.
 */
export interface BodySource {
  /** Bytes that the head announces; 0: there is no body; -1: it is in chunks. */
  readonly announcedBytes: number;
  /** Bytes of content that were given to the sink. */
  readonly receivedBytes: number;
  /** All of it was received, and given out. True from the beginning where there is no body. */
  readonly isComplete: boolean;
  /** Flat; empty before the body is complete. */
  readonly trailers: readonly string[];
  /** Lowers the limit of the body to `bytes` (0: leaves it). Throws `body_too_large` if the head announces more. */
  limit(bytes: number): void;
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
   * still be written, but for `client_left`; the connection ends behind it.
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
  /** Cuts the connection, so that the client can tell that the response is not whole. Idempotent. */
  abort(): void;
  /**
   * Takes the connection for another protocol, of a request with `upgrade` and no body, before `head`. Nothing has been written.
   * `head`: what was received behind the request. The socket is paused, and has no listener but one for errors.
   */
  takeOver(): { readonly socket: Socket; readonly head: Buffer };
}

export interface ResponseListener {
  drained(): void;
  /** Once. `isWhole`: the kernel took all of the response; else the client is gone, or the response was aborted. */
  closed(isWhole: boolean): void;
  /** The client sent its FIN: it will send no further request. It may wait for the response, or be gone; only a write can tell. */
  clientEnded?(): void;
}

/** Answers requests. Neither method may throw. */
export interface RequestHandler {
  handle(request: IncomingRequest, response: ResponseSink): void;
  /**
   * Writes the refusal of a request that has no valid head, or no whole one in time. `head`: as far as received, in latin1. The
   * connection ends behind it.
   */
  refuse(fault: Fault, response: ResponseSink, head: string): void;
}
