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
import { answerFault, rawFaultAnswer } from './http/fault-response.ts';
import { lingerOnClose } from './http/linger.ts';
import type { Certificate } from './tls/certificate.ts';
import { Handshakes } from './tls/handshakes.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Then the port speaks TLS alone. */
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
  /** Answers a request. Never rejects. `refusal`: what is wrong with it already. */
  readonly handle: (exchange: Exchange, refusal?: Fault) => Promise<void>;
  /** Which requests leave HTTP for a tunnel; all others are served with their Upgrade field ignored. */
  readonly isTunnelRequest: (request: IncomingMessage) => boolean;
  /** Opens a tunnel; `head` is what came behind the request already. Never rejects. */
  readonly openTunnel: (exchange: Exchange, head: Buffer, refusal?: Fault) => Promise<void>;
}

/** What Node says of a request that it could not read, as a fault; anything else is a bad request. */
const UNREADABLE: Readonly<Record<string, FaultCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** A client that ends its connection before its whole request came gives it up. Without any request it is one more that cannot be read. */
const ENDED_INSIDE_OF_MESSAGE = 'HPE_INVALID_EOF_STATE';

/** node:http, or node:https, with limits, timeouts and an end: makes Exchanges of requests and hands them on. */
export class Server {
  readonly #options: ServerOptions;
  readonly #http: HttpServer;
  /** The same server, where it speaks TLS. */
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
      // A long upload is no fault; one that stops is cut by the idle timeout.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(50, Math.min(1000, Math.floor(options.headersTimeoutMs / 4) || 1000)),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      // checkRequest does it, for every version and form.
      requireHostHeader: false,
      shouldUpgradeCallback: options.isTunnelRequest,
    };
    this.#tls = certificate && createTlsServer({ ...limits, ...toTlsOptions(certificate, options) });
    this.#handshakes = this.#tls && new Handshakes(this.#tls, log);
    // node:https is node:http on another kind of connection; its types have the same methods apart from each other.
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

  /** Binds the one port; resolves with it. Rejects with Node's error, e.g. EADDRINUSE. */
  async listen(): Promise<number> {
    this.#http.listen(this.#options.port, this.#options.host || undefined);
    await once(this.#http, 'listening');
    return (this.#http.address() as AddressInfo).port; // a TCP server has one
  }

  /** Requests that are being answered. */
  get active(): number {
    return this.#exchanges.size;
  }

  /** From now on connections are opened with this certificate; those that are open keep theirs. Only where there was one. */
  useCertificate({ cert, key }: Certificate): void {
    this.#tls?.setSecureContext({ cert, key });
  }

  /** From now on every answer says `Connection: close`; the port stays open. */
  announceClose(): void {
    this.#draining = true;
    for (const { response } of this.#exchanges) if (!response.headersSent) response.shouldKeepAlive = false;
  }

  /** Closes the port and idle connections; resolves when the last one is gone. */
  async drain(): Promise<void> {
    this.announceClose();
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
    });
    this.#handshakes?.cut();
    // An answer whose head went out before the drain leaves its connection open and idle.
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
   * Nothing moved on a connection for a while. That is the client's doing if it does not take the answer or does not send
   * the rest of its body; else we are waiting for somebody else, who has a timeout of his own.
   */
  #onIdle(socket: Socket): void {
    const exchange = this.#exchanges.on(socket);
    if (!exchange) {
      socket.destroy();
      return;
    }
    const { request, response } = exchange;
    const takesNothing = socket.writableLength > 0;
    // A body that nobody reads, or that is held back, is not the client's doing.
    const sendsNothing = !request.complete && request.readableFlowing === true;
    if (sendsNothing && !response.headersSent) answerFault(exchange, new Fault('request_timeout'));
    else if (sendsNothing || takesNothing) socket.destroy();
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const exchange = this.#exchanges.on(socket);
    const hasLeft = error.code === 'ECONNRESET' || (exchange && error.code === ENDED_INSIDE_OF_MESSAGE);
    // A request that was answered gets no second answer for what is wrong with the rest of its body.
    const isAnswered = !exchange && this.#exchanges.isBehindAnswer(socket);
    if (this.#handshakes?.failed(error, socket) || hasLeft || isAnswered || !socket.writable) {
      socket.destroy();
      return;
    }
    const fault = new Fault(toFaultCode(error), { cause: error });
    this.#options.log.info(`a client sent what is no HTTP/1.1: ${error.message}`, {
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
  // A handshake is as much of a beginning as a request's head. Node reads 0 as its own two minutes: none may take for ever.
  return { cert, key, handshakeTimeout: headersTimeoutMs, ALPNProtocols: ['http/1.1', 'http/1.0'] };
}

function toFaultCode({ code = '', message }: NodeJS.ErrnoException): FaultCode {
  // The same code also stands for a bad end of the request line.
  if (code === 'HPE_INVALID_VERSION' && message.endsWith('Invalid HTTP version')) return 'version_unsupported';
  return UNREADABLE[code] ?? 'bad_request';
}

/** Answers a connection that has no response object, and ends it so that the client can read the answer. */
function refuse(socket: Socket, fault: Fault): void {
  lingerOnClose(socket);
  socket.write(rawFaultAnswer(fault));
  socket.destroySoon();
}
