import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Member } from '../timing/in-flight.ts';
import { type Client, toPlainAddress } from './client.ts';
import { Fault } from './fault.ts';
import type { PendingWork } from './pending-work.ts';
import type { Upgrade } from './upgrade.ts';

/** Called when the client closes its connection before the whole response is written. */
export interface LeaveListener {
  clientLeft(): void;
}

/** Answers a request instead of the function that was called for it. */
export interface CallEnder {
  /** See `Exchange.end`. */
  endCall(exchange: Exchange, error: Error): boolean;
}

/** The server that owns the request and the response when nexthop runs as middleware. */
export interface HostServer {
  /** The host passed a `next` function. */
  readonly hasNext: boolean;
  /**
   * No route answered: calls the host's `next`. `head` holds the bytes received after the head of an upgrade request. Throws
   * `not_found` if the host has no `next`.
   */
  takeBack(head?: Buffer): void;
}

export interface ExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: Client;
  readonly requestId: RequestId;
  readonly pendingWork: PendingWork;
  readonly startedAtMs: number;
  /** Largest request body that is accepted; 0: no limit. */
  readonly bodyLimitBytes: number;
}

export interface RequestId {
  readonly value: string;
  /** The header that carries it, to the hop and back to the client. */
  readonly name: 'section-io-id' | 'x-request-id';
  /** True if the request had no id; then the header is added when the request is forwarded. */
  readonly made: boolean;
}

/** A second id of the request, in the format of the platform whose function answers. */
export interface PlatformId {
  readonly value: string;
  /** The header that carries it, in lower case. */
  readonly name: string;
}

/**
 * One request, its response, and what is learned about both on the path.
 * Members that are not readonly are written by the target that answers and read by the access line.
 */
export class Exchange implements Member {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** A reference of its own: `request.socket` may be null when the access line is written. */
  readonly socket: Socket;
  readonly client: Client;
  readonly requestId: RequestId;
  /** The request target in origin-form, byte for byte as the client sent it, as in the logs. */
  readonly askedTarget: string;
  readonly startedAtMs: number;
  readonly bytesWrittenBefore: number;
  readonly pendingWork: PendingWork;
  /** Largest request body that is accepted; 0: no limit. */
  bodyLimitBytes: number;

  /** Pattern of the route that answered; '' for the fallback. */
  route = '';
  /** Name of the target that answered. */
  answeredBy = '';
  fault: Fault | undefined;
  /** Sent with every response, also with a Fault's; it replaces a header of that name set by a function. */
  platformId: PlatformId | undefined;
  bodyBytesReceived = 0;
  bodyBytesSent = 0;
  /** Of the response, for the access line: headers passed to `writeHead` as a flat array cannot be read back. */
  contentType = '';
  sectionTag = '';
  upstreamStatus = '';
  upstreamAddress = '';
  /** The client sent `Expect: 100-continue` and waits for the 100 response. */
  continueAwaited = false;
  /** True once the connection closed before the response was complete. */
  left = false;
  /** Values that the host program passes to the site's code (`Astro.locals`). */
  locals: object | undefined;
  /** Undefined when nexthop owns the server. */
  hostServer: HostServer | undefined;
  /** Set while the request is a WebSocket handshake that no target has accepted or refused. A target that opens no WebSockets may pass. */
  upgrade: Upgrade | undefined;

  /** Set before code of the site runs for the request. */
  callEnder: CallEnder | undefined;
  /** The request was answered instead of by its function. Whatever the function still writes is discarded. */
  isCallEnded = false;

  /** Listens for the end of the response. Removed when the host continues with the response. */
  closeListener: (() => void) | undefined;

  nextMember: Member | undefined;
  previousMember: Member | undefined;
  #target: string;
  #leaveListener: LeaveListener | undefined;
  #abort: AbortController | undefined;

  constructor({ request, response, client, requestId, pendingWork, startedAtMs, bodyLimitBytes }: ExchangeParts) {
    this.request = request;
    this.response = response;
    this.socket = request.socket;
    this.client = client;
    this.requestId = requestId;
    this.pendingWork = pendingWork;
    this.askedTarget = request.url ?? '/';
    this.#target = this.askedTarget;
    this.startedAtMs = startedAtMs;
    this.bodyLimitBytes = bodyLimitBytes;
    this.bytesWrittenBefore = request.socket.bytesWritten;
  }

  /** The request target in origin-form for targets: `askedTarget`, unless a rule of the site has rewritten it. */
  get target(): string {
    return this.#target;
  }

  /** Replaces the target (origin-form) for functions, files and the hop. */
  rewrite(target: string): void {
    this.#target = target;
    this.request.url = target;
  }

  /** Address of the other end of the connection: the last proxy, or the client itself. */
  get peerAddress(): string {
    return toPlainAddress(this.socket.remoteAddress ?? '');
  }

  /** Aborts when the client leaves early, or when a function exceeds its time limit. Created on first use: most requests need none. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.left) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** Aborts the signal although the client may still be connected: the result of the work is no longer used. */
  abort(reason: unknown): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  /** Sets the one listener: only the target that answers has work to stop. Called at once if the client has left already. */
  onLeave(listener: LeaveListener | undefined): void {
    this.#leaveListener = listener;
    if (this.left) listener?.clientLeft();
  }

  /** As in SiteCall: the code of the site that runs for this request. */
  get calledCode(): string {
    return this.answeredBy;
  }

  /**
   * Code of the site that runs for this request tried to end the process: answers the request with 500 and logs this error, whatever the code does
   * afterwards. Returns false when the response is complete already.
   */
  end(error: Error): boolean {
    return this.callEnder?.endCall(this, error) ?? false;
  }

  /** Called by the server when the connection closes before the response is complete. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    this.#leaveListener?.clientLeft();
    this.#abort?.abort();
  }

  /** Lowers the limit of the request body to `bytes` (0: unchanged). Throws `body_too_large` if Content-Length is larger. */
  limitBody(bytes: number): void {
    if (bytes > 0 && (this.bodyLimitBytes === 0 || bytes < this.bodyLimitBytes)) this.bodyLimitBytes = bytes;
    this.refuseLargeBody();
  }

  /** Throws `body_too_large` if Content-Length exceeds the limit; chunked bodies are counted while they are read. */
  refuseLargeBody(): void {
    if (this.bodyLimitBytes === 0) return;
    const length = this.request.headers['content-length'];
    if (length !== undefined && Number(length) > this.bodyLimitBytes) throw new Fault('body_too_large');
  }

  /** Called by the reader of the body with the size of each chunk. Throws `body_too_large` when the limit is exceeded. */
  countBody(bytes: number): void {
    this.bodyBytesReceived += bytes;
    if (this.bodyLimitBytes > 0 && this.bodyBytesReceived > this.bodyLimitBytes) throw new Fault('body_too_large');
  }

  /** Sends 100 Continue if the client waits for it (RFC 9110 10.1.1). Call before reading the body. */
  admitBody(): void {
    if (!this.continueAwaited) return;
    this.continueAwaited = false;
    if (!this.response.headersSent) this.response.writeContinue();
  }
}
