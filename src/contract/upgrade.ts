import type { IncomingMessage } from 'node:http';

/** The socket of the package `ws`, which functions get on the platforms, too. Only `http/` opens it; the code in between passes it on. */
export type FunctionSocket = object;
/** A message as `ws` gives it: a Buffer, unless the function has set another `binaryType`. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];

/**
 * The callbacks of a function on a WebSocket. If `opened` or `received` throws or rejects, the socket is closed with 1011 and a
 * `function_error` is logged. Returned promises are not awaited.
 */
export interface SocketTalker {
  opened(socket: FunctionSocket, request: IncomingMessage): unknown;
  received(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown;
  closed(socket: FunctionSocket, code: number, reason: Buffer): unknown;
  /** The client violated the protocol (RFC 6455 7.1.7); `closed` follows. */
  failed(socket: FunctionSocket, error: Error): unknown;
}

/**
 * A WebSocket handshake of a client: an ordinary request with `request.upgrade`, on the path of every other one. A target may accept it, or write
 * a response, which refuses it and after which the connection stays open, or pass. The hop opens a tunnel for it.
 */
export interface Upgrade {
  /**
   * Completes the handshake. Resolves when the socket is closed, or rejects then with the Fault of its callbacks.
   * Rejects before anything is written with `bad_request` (not a valid handshake), `hop_busy` (too many are open) or `draining`.
   */
  accept(talker: SocketTalker): Promise<void>;
}
