import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Member } from '../timing/in-flight.ts';
import { type Client, toPlainAddress } from './client.ts';
import { Fault } from './fault.ts';
import type { PendingWork } from './pending-work.ts';
import type { Upgrade } from './upgrade.ts';

/** What is told when the client closes its connection before the whole answer is written. */
export interface LeaveListener {
  clientLeft(): void;
}

/** Whose request and response these are, where nexthop is a middleware in somebody else's server. */
export interface HostServer {
  /** Somebody stands behind the middleware. */
  readonly hasNext: boolean;
  /** Nobody here answers: he goes on. `head` is what came behind a request that asks for an upgrade. Throws `not_found` where nobody stands behind. */
  takeBack(head?: Buffer): void;
}

export interface ExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: Client;
  readonly requestId: RequestId;
  readonly pendingWork: PendingWork;
  readonly startedAtMs: number;
  /** Largest body that is taken; 0: no limit. */
  readonly bodyLimitBytes: number;
}

export interface RequestId {
  readonly value: string;
  /** The field that carries it, on to the hop and back to the client. */
  readonly name: 'section-io-id' | 'x-request-id';
  /** True when the request came without one; then it must be added on the way to the hop. */
  readonly made: boolean;
}

/** A further name of a request, under which a platform knows it. */
export interface PlatformId {
  readonly value: string;
  /** The field that carries it, in lower case. */
  readonly name: string;
}

/**
 * One request and its answer, with what the path learns about them on the way.
 * Fields that are not readonly are written by the target that answers and read by the access line.
 */
export class Exchange implements Member {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Kept apart: `request.socket` may be gone by the time the access line is written. */
  readonly socket: Socket;
  readonly client: Client;
  readonly requestId: RequestId;
  /** The request target in origin-form, byte for byte as the client sent it; what the logs tell. */
  readonly askedTarget: string;
  readonly startedAtMs: number;
  readonly bytesWrittenBefore: number;
  readonly pendingWork: PendingWork;
  /** Largest body that is taken; 0: no limit. */
  bodyLimitBytes: number;

  /** Pattern of the route that answered, '' for a fallback. */
  route = '';
  /** Name of the target that answered. */
  answeredBy = '';
  fault: Fault | undefined;
  /** Goes back with the answer, a Fault's too, in the place of a field of that name which a function gave. */
  platformId: PlatformId | undefined;
  bodyBytesReceived = 0;
  bodyBytesSent = 0;
  /** Of the answer, for the access line: what goes out by `writeHead` with a flat array cannot be read back. */
  contentType = '';
  sectionTag = '';
  upstreamStatus = '';
  upstreamAddress = '';
  /** The client sent `Expect: 100-continue` and still waits for the word to go on. */
  continueAwaited = false;
  /** True once the connection closed before the answer was complete. */
  left = false;
  /** What the program around a middleware hands along for the site's own code (`Astro.locals`). */
  locals: object | undefined;
  /** Undefined for a server of our own. */
  hostServer: HostServer | undefined;
  /** The request is a WebSocket's handshake, and nobody has decided on it yet. Who cannot open a WebSocket may pass. */
  upgrade: Upgrade | undefined;

  /** By it the end of the response is noticed; it is taken off where somebody else goes on with the response. */
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

  /** The request target in origin-form for whoever answers: `askedTarget`, unless the site's own rules have rewritten it. */
  get target(): string {
    return this.#target;
  }

  /** From now on the request is one for another target (origin-form), for functions, files and the hop alike. */
  rewrite(target: string): void {
    this.#target = target;
    this.request.url = target;
  }

  /** The other end of the connection, which for a request through proxies is not the client. */
  get peerAddress(): string {
    return toPlainAddress(this.socket.remoteAddress ?? '');
  }

  /** Aborts when the client leaves early, or a function's time is up. Made on first use: most requests never need one. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.left) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** Nobody waits for what is under way any more, though the client may still be there: aborts the signal. */
  abort(reason: unknown): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  /** One listener is enough: only the target that answers has something to stop. Told at once if the client is gone. */
  onLeave(listener: LeaveListener | undefined): void {
    this.#leaveListener = listener;
    if (this.left) listener?.clientLeft();
  }

  /** The server calls it when the connection closes before the answer is complete. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    this.#leaveListener?.clientLeft();
    this.#abort?.abort();
  }

  /** From now on no more than `bytes` are taken (0: as before). Throws `body_too_large` at once when the announced length is more. */
  limitBody(bytes: number): void {
    if (bytes > 0 && (this.bodyLimitBytes === 0 || bytes < this.bodyLimitBytes)) this.bodyLimitBytes = bytes;
    this.refuseLargeBody();
  }

  /** Throws `body_too_large` when the announced length is more than is taken; other bodies are counted as they come. */
  refuseLargeBody(): void {
    if (this.bodyLimitBytes === 0) return;
    const length = this.request.headers['content-length'];
    if (length !== undefined && Number(length) > this.bodyLimitBytes) throw new Fault('body_too_large');
  }

  /** Whoever reads the body says how much came. Throws `body_too_large` as soon as it is more than is taken. */
  countBody(bytes: number): void {
    this.bodyBytesReceived += bytes;
    if (this.bodyLimitBytes > 0 && this.bodyBytesReceived > this.bodyLimitBytes) throw new Fault('body_too_large');
  }

  /** Lets a client that sent `Expect: 100-continue` send its body (RFC 9110 10.1.1). Call before reading the body. */
  admitBody(): void {
    if (!this.continueAwaited) return;
    this.continueAwaited = false;
    if (!this.response.headersSent) this.response.writeContinue();
  }
}
