import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { EarlyBytes } from '../http/early-bytes.ts';
import { withoutNames } from '../http/headers.ts';
import type { Deadlines, Watched } from '../timing/deadlines.ts';
import type { Member } from '../timing/in-flight.ts';
import { toHopFault } from './errors.ts';
import type { Handshake, Handshaker } from './tunnel-handshake.ts';
import { Refusal } from './tunnel-refusal.ts';

/** connecting → waiting for the hop's response → open or refused → over. */
type Phase = 'connecting' | 'waiting' | 'refused' | 'open' | 'over';

/** State that all tunnels share. */
export interface TunnelTools {
  readonly deadlines: Deadlines;
  readonly handshaker: Handshaker;
  readonly responseHeaders: (rawHeaders: readonly string[], status: number, exchange: Exchange) => string[];
  /** Longest time of each phase without traffic, in ticks; 0: no limit. */
  readonly ticks: Readonly<Record<Phase, number>>;
}

/** A 101 has no body and therefore neither a length nor trailers (RFC 9110 8.6). */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'trailer']);

/**
 * One tunnel from the request to the end of both connections.
 *
 * Invariants: when one connection ends, the other one ends as soon as its pending bytes are
 * written. In phase `over`, later events of either side have no effect.
 */
export class Tunnel implements Watched {
  /** Resolves when the tunnel is over. Rejects with a Fault if no final response was written. */
  readonly settled: Promise<void>;
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;

  readonly #tools: TunnelTools;
  readonly #exchange: Exchange;
  readonly #client: Socket;
  #resolve: () => void = () => {};
  #reject: (fault: Fault) => void = () => {};
  #phase: Phase = 'connecting';
  #early: EarlyBytes | undefined;
  #request: ClientRequest | undefined;
  #refusal: Refusal | undefined;
  #hopSocket: Socket | undefined;
  #bytesMoved = 0;

  constructor(tools: TunnelTools, exchange: Exchange) {
    this.#tools = tools;
    this.#exchange = exchange;
    this.#client = exchange.socket;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /**
   * Sends the request to the hop with these end-to-end headers. `head`: bytes after the request
   * that Node has already read.
   */
  start(fields: readonly string[], head: Buffer): void {
    if (this.#client.destroyed) {
      this.#finish();
      return;
    }
    this.#client.on('close', this.#onClientClose).on('end', this.#onClientEnd);
    this.#tools.deadlines.add(this);
    this.#early = new EarlyBytes(this.#client, head);
    try {
      this.#listen(this.#tools.handshaker.start(this.#exchange, fields));
    } catch (error) {
      this.#fail(toHopFault(error));
    }
  }

  /**
   * Shutdown: sends FIN to both sides and stops relaying, so that no side can keep the tunnel open
   * by sending.
   */
  end(): void {
    if (this.#phase === 'connecting' || this.#phase === 'waiting') this.#fail(new Fault('draining'));
    if (this.#phase !== 'open') return;
    const hopSocket = this.#hopSocket as Socket; // there is one while open
    this.#client.unpipe(hopSocket).resume().end();
    hopSocket.unpipe(this.#client).resume().end();
  }

  destroy(): void {
    this.#request?.destroy();
    this.#hopSocket?.destroy();
    this.#client.destroy();
  }

  /**
   * Traffic is measured here once per tick by the byte counters, instead of by 'data' listeners.
   */
  allowedTicks(): number {
    const bytes = this.#client.bytesRead + (this.#hopSocket?.bytesRead ?? 0) + this.#exchange.bodyBytesSent;
    if (bytes !== this.#bytesMoved && this.#phase !== 'connecting' && this.#phase !== 'waiting') {
      this.#bytesMoved = bytes;
      this.movedAt = this.#tools.deadlines.now;
    }
    return this.#tools.ticks[this.#phase];
  }

  expire(): void {
    if (this.#phase === 'connecting')
      this.#fail(new Fault('hop_timeout', { message: 'the connection to the hop was not established in time' }));
    else if (this.#phase === 'waiting')
      this.#fail(new Fault('hop_timeout', { message: 'the hop did not answer the upgrade in time' }));
    else this.destroy();
  }

  #listen({ request, relay }: Handshake): void {
    this.#request = request;
    request
      .on('error', (error) => this.#onRequestError(error))
      .on('socket', (socket) => socket.once('connect', () => this.#onConnect(socket)))
      .on('information', ({ statusCode, rawHeaders }) =>
        this.#guard(() => this.#passInformation(statusCode, rawHeaders)),
      )
      .on('response', (answer) => this.#guard(() => this.#passRefusal(answer)))
      .on('upgrade', (answer, hopSocket: Socket, hopHead) =>
        this.#guard(() => {
          const fields = this.#toSwitchingHeaders(answer);
          this.#open(hopSocket);
          relay(answer, hopSocket, hopHead, fields);
        }),
      );
  }

  /**
   * An error while a response is passed on is a fault of this tunnel, not an uncaught exception.
   */
  #guard(pass: () => void): void {
    if (this.#phase === 'over') return;
    try {
      pass();
    } catch (error) {
      this.#fail(error instanceof Fault ? error : new Fault('hop_bad_answer', { cause: error }));
    }
  }

  #onConnect(socket: Socket): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'waiting';
    const address = socket.remoteFamily === 'IPv6' ? `[${socket.remoteAddress}]` : socket.remoteAddress;
    this.#exchange.upstreamAddress = `${address}:${socket.remotePort}`;
  }

  #onRequestError(error: Error): void {
    if (this.#phase === 'refused') this.#refusal?.break();
    else this.#fail(toHopFault(error));
  }

  /**
   * 1xx responses are forwarded immediately (RFC 9110 15.2), except 100, for which no client waits
   * here.
   */
  #passInformation(status: number, rawHeaders: readonly string[]): void {
    if (status === 100) return;
    this.#exchange.response.writeInformation(status, this.#toResponseHeaders(status, rawHeaders));
  }

  #passRefusal(answer: IncomingMessage): void {
    const { statusCode: status = 0, rawHeaders } = answer;
    // A 101 without Upgrade headers, which Node reports as a normal response.
    if (status === 101) throw new Fault('hop_bad_answer', { message: 'the hop sent a 101 without an Upgrade header' });
    const fields = this.#toResponseHeaders(status, rawHeaders);
    this.#refusal = new Refusal(answer, this.#exchange);
    this.#refusal.start(fields);
    this.#phase = 'refused';
    this.#early?.drop();
    this.#exchange.response.once('finish', () => this.#finish());
  }

  /** Throws if the hop switched to a protocol that was not requested. */
  #toSwitchingHeaders({ headers, rawHeaders }: IncomingMessage): string[] {
    if (headers.upgrade?.toLowerCase() !== 'websocket') {
      throw new Fault('hop_bad_answer', {
        message: `the hop must switch to "websocket", got ${JSON.stringify(headers.upgrade)}`,
      });
    }
    const fields = this.#toResponseHeaders(101, rawHeaders);
    return withoutNames(fields, FRAMING);
  }

  #toResponseHeaders(status: number, rawHeaders: readonly string[]): string[] {
    this.#exchange.upstreamStatus = String(status);
    return this.#tools.responseHeaders(rawHeaders, status, this.#exchange);
  }

  #open(hopSocket: Socket): void {
    this.#phase = 'open';
    this.#hopSocket = hopSocket;
    // http-proxy listens to its errors.
    hopSocket.on('close', (broken) => this.#onHopClose(broken));
    // For the access line; http-proxy writes the 101 directly to the socket.
    this.#exchange.response.statusCode = 101;
    this.#early?.giveBack();
  }

  #onHopClose(broken: boolean): void {
    if (this.#client.closed) this.#finish();
    else follow(this.#client, broken);
  }

  readonly #onClientClose = (broken: boolean): void => {
    const hopSocket = this.#hopSocket;
    if (!hopSocket || hopSocket.closed) this.#finish();
    else follow(hopSocket, broken);
  };

  /**
   * Before the tunnel is open, the client's end counts as leaving: a half-close and a close look
   * the same.
   */
  readonly #onClientEnd = (): void => {
    if (this.#phase === 'connecting' || this.#phase === 'waiting') this.#client.destroy();
  };

  #finish(): void {
    this.#leave();
    this.#resolve();
  }

  #fail(fault: Fault): void {
    this.#leave();
    this.#early?.drop();
    this.#reject(fault);
  }

  #leave(): void {
    this.#phase = 'over';
    this.#tools.deadlines.remove(this);
    this.#request?.destroy();
    this.#hopSocket?.destroy();
  }
}

/**
 * If one side broke, destroys the other. If it ended normally, lets the other first write its
 * pending bytes.
 */
function follow(socket: Socket, broken: boolean): void {
  if (broken) socket.destroy();
  else socket.destroySoon();
}
