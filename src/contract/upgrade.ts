import type { IncomingMessage } from 'node:http';

/** The socket of the package `ws`, as functions know it from the platforms. Only `http/` opens it; everything between passes it on. */
export type FunctionSocket = object;
/** A message as `ws` gives it: a Buffer, unless the function has set another `binaryType`. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];

/**
 * Whoever talks on a WebSocket. What `opened` or `received` throws, or rejects with, closes it with 1011 and is a `function_error`.
 * Nobody waits for what they return.
 */
export interface SocketTalker {
  opened(socket: FunctionSocket, request: IncomingMessage): unknown;
  received(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown;
  closed(socket: FunctionSocket, code: number, reason: Buffer): unknown;
  /** The client broke the rules (RFC 6455 7.1.7); `closed` follows. */
  failed(socket: FunctionSocket, error: Error): unknown;
}

/** A client wants to leave HTTP for a WebSocket. Whoever answers may agree, answer as usual, which refuses it, or pass. */
export interface Upgrade {
  /**
   * Completes the handshake. Resolves when the socket is closed, rejects then with the Fault by which its talker failed.
   * Rejects while nothing is written with `bad_request` (a handshake that is none), `hop_busy` (too many are open) or `draining`.
   */
  accept(talker: SocketTalker): Promise<void>;
}
