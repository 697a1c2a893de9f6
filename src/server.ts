import { once } from 'node:events';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { TrustedPeers } from './config/setting.ts';
import type { Exchange } from './contract/exchange.ts';
import { Fault, type FaultCode } from './contract/fault.ts';
import type { Log } from './contract/log.ts';
import type { PendingWork } from './contract/pending-work.ts';
import { checkRequest } from './http/check-request.ts';
import { Exchanges } from './http/exchanges.ts';
import { answerFault, toFaultText } from './http/fault-response.ts';
import { lingerOnClose } from './http/linger.ts';
import type { Certificate } from './tls/certificate.ts';
import { Handshakes } from './tls/handshakes.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: the system chooses a free port. */
  readonly port: number;
  /** If given, the port accepts TLS only. */
  readonly certificate?: Certificate;
  readonly headerLimitBytes: number;
  readonly bodyLimitBytes: number;
  readonly maxConnections: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly clientIdleTimeoutMs: number;
  readonly isTrusted: TrustedPeers;
  readonly pendingWork: PendingWork;
  readonly log: Log;
  /**
   * Answers a request. Never rejects. `refusal`: the fault that was already found in the request.
   */
  readonly handle: (exchange: Exchange, refusal?: Fault) => Promise<void>;
  /** Whether a request becomes a tunnel. For all others the Upgrade header is ignored. */
  readonly isTunnelRequest: (request: IncomingMessage) => boolean;
  /** Opens a tunnel. `head`: bytes after the request that Node has already read. Never rejects. */
  readonly openTunnel: (exchange: Exchange, head: Buffer, refusal?: Fault) => Promise<void>;
}

/**
 * Node's error code for a request that it could not parse → fault code. Any other error is
 * `bad_request`.
 */
const UNREADABLE: Readonly<Record<string, FaultCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/**
 * Parser error when the client closes its connection inside a message. If a request is in flight,
 * the client has left it; else it is an unreadable request.
 */
const ENDED_INSIDE_OF_MESSAGE = 'HPE_INVALID_EOF_STATE';

/**
 * The HTTP or HTTPS server with its limits, timeouts and drain. Creates an Exchange for each
 * request and passes it to `handle` or `openTunnel`.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #http: HttpServer;
  /** The same object as `#http`, if the server uses TLS. */
  readonly #tls: TlsServer | undefined;
  readonly #handshakes: Handshakes | undefined;
  readonly #exchanges: Exchanges;
  #draining = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#exchanges = new Exchanges(options);
    const { certificate, log } = options;
    const limits = {
      maxHeaderSize: options.headerLimitBytes,
      headersTimeout: options.headersTimeoutMs,
      // A long upload is allowed. The idle timeout cuts an upload that stops.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(50, Math.min(1000, Math.floor(options.headersTimeoutMs / 4) || 1000)),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      // checkRequest checks Host for every HTTP version and form of target.
      requireHostHeader: false,
      shouldUpgradeCallback: options.isTunnelRequest,
    };
    this.#tls = certificate && createTlsServer({ ...limits, ...toTlsOptions(certificate, options) });
    this.#handshakes = this.#tls && new Handshakes(this.#tls, log);
    // The https server has the same methods as the http server; only its TypeScript types differ.
    this.#http = (this.#tls as HttpServer | undefined) ?? createServer(limits);
    this.#http.maxConnections = options.maxConnections;
    this.#http.setTimeout(options.clientIdleTimeoutMs, (socket: Socket) => this.#onIdle(socket));
    this.#http
      .on('request', (request, response) => this.#serve(request, response, false))
      .on('checkContinue', (request, response) => this.#serve(request, response, true))
      .on('checkExpectation', (request, response) =>
        this.#serve(request, response, false, new Fault('expectation_failed')),
      )
      .on('upgrade', (request, socket: Socket, head) => this.#tunnel(request, socket, head))
      .on('connect', (request, socket: Socket) => refuse(socket, checkRequest(request) ?? new Fault('method_refused')))
      .on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
  }

  /** Binds the port and resolves with its number. Rejects with Node's error, e.g. EADDRINUSE. */
  async listen(): Promise<number> {
    this.#http.listen(this.#options.port, this.#options.host || undefined);
    await once(this.#http, 'listening');
    return (this.#http.address() as AddressInfo).port; // a TCP server has one
  }

  /** Number of requests in flight. */
  get active(): number {
    return this.#exchanges.size;
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
    this.#draining = true;
    for (const { response } of this.#exchanges) if (!response.headersSent) response.shouldKeepAlive = false;
  }

  /** Closes the port and idle connections. Resolves when no connection is left. */
  async drain(): Promise<void> {
    this.announceClose();
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
    });
    this.#handshakes?.cut();
    // A response whose head was sent before the drain leaves its connection open and idle.
    const sweep = setInterval(() => this.#http.closeIdleConnections(), 50);
    await closed;
    clearInterval(sweep);
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#http.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse, continueAwaited: boolean, refusal?: Fault): void {
    const exchange = this.#exchanges.open(request, response, refusal);
    exchange.continueAwaited = continueAwaited;
    if (this.#draining) response.shouldKeepAlive = false;
    void this.#options.handle(exchange, exchange.fault);
  }

  #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const exchange = this.#exchanges.openUpgrade(request, socket, this.#draining ? new Fault('draining') : undefined);
    void this.#options.openTunnel(exchange, head, exchange.fault);
  }

  /**
   * No bytes moved on a connection for the idle timeout. The client caused it if it does not read
   * the response or does not send the rest of its body. Otherwise the server waits for a function
   * or for the next hop, which have timeouts of their own.
   */
  #onIdle(socket: Socket): void {
    const exchange = this.#exchanges.on(socket);
    if (!exchange) {
      socket.destroy();
      return;
    }
    const { request, response } = exchange;
    const takesNothing = socket.writableLength > 0;
    // If the body is not being read, the client cannot send it and did not cause the silence.
    const sendsNothing = !request.complete && request.readableFlowing === true;
    if (sendsNothing && !response.headersSent) answerFault(exchange, new Fault('request_timeout'));
    else if (sendsNothing || takesNothing) socket.destroy();
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const exchange = this.#exchanges.on(socket);
    const hasLeft = error.code === 'ECONNRESET' || (exchange && error.code === ENDED_INSIDE_OF_MESSAGE);
    // A request that already has its response gets no second one for an error in the rest of its
    // body.
    const isAnswered = !exchange && this.#exchanges.isRestOfBody(socket);
    if (this.#handshakes?.failed(error, socket) || hasLeft || isAnswered || !socket.writable) {
      socket.destroy();
      return;
    }
    const fault = new Fault(toFaultCode(error), { cause: error });
    this.#options.log.info(`the client sent an invalid HTTP/1.1 request: ${error.message}`, {
      code: fault.code,
      peer: socket.remoteAddress,
    });
    if (!exchange) refuse(socket, fault);
    else if (exchange.response.headersSent) socket.destroy();
    else {
      exchange.leave();
      exchange.fault = fault;
      refuse(socket, fault);
    }
  }
}

function toTlsOptions({ cert, key }: Certificate, { headersTimeoutMs }: ServerOptions): TlsOptions {
  // A TLS handshake has the same time limit as a request's head. Node reads 0 as its own default of
  // two minutes, so a handshake never waits forever.
  return { cert, key, handshakeTimeout: headersTimeoutMs, ALPNProtocols: ['http/1.1', 'http/1.0'] };
}

function toFaultCode({ code = '', message }: NodeJS.ErrnoException): FaultCode {
  // Node uses the same code for an invalid end of the request line.
  if (code === 'HPE_INVALID_VERSION' && message.endsWith('Invalid HTTP version')) return 'version_unsupported';
  return UNREADABLE[code] ?? 'bad_request';
}

/**
 * Writes an error response to a connection that has no response object. Then ends the connection so
 * that the client can still read the response.
 */
function refuse(socket: Socket, fault: Fault): void {
  lingerOnClose(socket);
  socket.write(toFaultText(fault));
  socket.destroySoon();
}
