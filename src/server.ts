import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { TrustedPeers } from './contract/client.ts';
import type { Exchange } from './contract/exchange.ts';
import { Fault } from './contract/fault.ts';
import type { IncomingRequest, RequestHandler, ResponseSink } from './contract/http-message.ts';
import type { Log } from './contract/log.ts';
import type { PendingWork } from './contract/pending-work.ts';
import type { RequestObserver } from './contract/tracer.ts';
import { Exchanges } from './http/exchanges.ts';
import { RefusedRequest } from './http/refused-request.ts';
import { isWebSocketRequest } from './http/web-socket-request.ts';
import type { Certificate } from './tls/certificate.ts';
import { Handshakes } from './tls/handshakes.ts';
import { ClientConnections } from './wire/client-connections.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: the system chooses a free port. */
  readonly port: number;
  /** Descriptor of a bound socket to listen on, instead of host and port. */
  readonly listenFd?: number | undefined;
  /** If given, the port accepts TLS only. */
  readonly certificate?: Certificate;
  readonly headerLimitBytes: number;
  /** Most header lines of a request. */
  readonly headerCount: number;
  readonly maxConnections: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly clientIdleTimeoutMs: number;
  readonly isTrusted: TrustedPeers;
  readonly pendingWork: PendingWork;
  readonly log: Log;
  readonly observers?: readonly RequestObserver[];
  /**
   * Answers a request. Never throws or rejects. `refusal`: the fault that was already found in the request.
   */
  readonly handle: (exchange: Exchange, refusal?: Fault) => Promise<void> | undefined;
}

/**
 * A client may have sent a request on an idle connection before it could know that the server
 * drains. For this time it is still answered.
 */
const DRAIN_GRACE_MS = 100;

/** An accepted socket must be able to send its response after the client has ended its side. */
const ACCEPTED = { allowHalfOpen: true, noDelay: true };

/**
 * The listening socket, plain or TLS, with its limits and drain. `wire/` reads the requests of its connections;
 * each becomes an Exchange, which is passed to `handle`.
 */
export class Server implements RequestHandler {
  readonly #options: ServerOptions;
  readonly #listener: NetServer;
  /** The same object as `#listener`, if the server uses TLS. */
  readonly #tls: TlsServer | undefined;
  readonly #handshakes: Handshakes | undefined;
  readonly #connections: ClientConnections;
  readonly #exchanges: Exchanges;
  #refused = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#exchanges = new Exchanges(options);
    const { certificate, log } = options;
    this.#connections = new ClientConnections({
      handler: this,
      encrypted: certificate !== undefined,
      maxHeadBytes: options.headerLimitBytes,
      maxHeaders: options.headerCount,
      headersTimeoutMs: options.headersTimeoutMs,
      keepAliveTimeoutMs: options.keepAliveTimeoutMs,
      clientIdleTimeoutMs: options.clientIdleTimeoutMs,
      drainGraceMs: DRAIN_GRACE_MS,
    });
    const accept = (socket: Socket) => this.#connections.accept(socket);
    if (certificate) {
      this.#tls = createTlsServer({ ...ACCEPTED, ...toTlsOptions(certificate, options) }, accept);
      this.#handshakes = new Handshakes(this.#tls, log);
    }
    this.#listener = this.#tls ?? createServer(ACCEPTED, accept);
    this.#listener.maxConnections = options.maxConnections;
    this.#listener.on('drop', () => this.#refused++);
  }

  /** Binds the port and resolves with its number. Rejects with Node's error, e.g. EADDRINUSE. */
  async listen(): Promise<number> {
    const { listenFd, port, host } = this.#options;
    if (listenFd === undefined) this.#listener.listen(port, host || undefined);
    else this.#listener.listen({ fd: listenFd });
    await once(this.#listener, 'listening');
    return (this.#listener.address() as AddressInfo).port; // a TCP server has one
  }

  /** Number of requests in flight. */
  get active(): number {
    return this.#exchanges.size;
  }

  /** The methods of the requests in flight. */
  *activeMethods(): Generator<string> {
    for (const { request } of this.#exchanges.active) yield request.method;
  }

  /** Open connections, and how many were closed at once because of MAX_CONNECTIONS. */
  get connections(): { readonly open: number; readonly refused: number } {
    return { open: this.#connections.size, refused: this.#refused };
  }

  /**
   * New connections use this certificate; open connections are not affected. Does nothing without
   * TLS.
   */
  useCertificate({ cert, key }: Certificate): void {
    this.#tls?.setSecureContext({ cert, key });
  }

  /** From now on every response has `Connection: close`. The port stays open. */
  announceClose(): void {
    this.#connections.announceClose();
  }

  /** Closes the port, then idle connections. Resolves when no connection is left. */
  async drain(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#listener.close(() => resolve());
    });
    this.#handshakes?.cut();
    await this.#connections.drain();
    await closed;
  }

  /** Call it before the process ends in the middle of a turn. */
  sendHeld(): void {
    this.#connections.sendHeld();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#handshakes?.cut();
    this.#connections.destroy();
  }

  /** Called by the connection of the request. */
  handle(request: IncomingRequest, response: ResponseSink): void {
    const exchange = this.#exchanges.open(request, response);
    const isRefused = this.#connections.isDraining && request.upgrade !== undefined && isWebSocketRequest(request);
    void this.#options.handle(exchange, isRefused ? new Fault('draining') : undefined);
  }

  /** Called by the connection of something that is no valid request. */
  refuse(fault: Fault, response: ResponseSink, head: string, socket: Socket): void {
    const exchange = this.#exchanges.open(new RefusedRequest(head, socket), response);
    const reason = { code: fault.code, reason: fault.message, peer: socket.remoteAddress };
    this.#options.log.info('a request was refused before it was handled', reason);
    void this.#options.handle(exchange, fault);
  }
}

function toTlsOptions({ cert, key }: Certificate, { headersTimeoutMs }: ServerOptions) {
  // A TLS handshake has the same time limit as a request's head. Node reads 0 as its own default of
  // two minutes, so a handshake never waits forever.
  return { cert, key, handshakeTimeout: headersTimeoutMs, ALPNProtocols: ['http/1.1', 'http/1.0'] };
}
