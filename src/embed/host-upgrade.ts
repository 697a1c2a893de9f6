import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { emitDrain } from '../wire/node-insides.ts';
import type { NodeConnection } from '../wire/node-response.ts';
import type { HostRequest } from './host-request.ts';

/** The socket is paused when a client has sent more than this before its upgrade is decided. */
const MOST_BYTES = 64 * 1024;

/**
 * The connection of an upgrade that a host has given. While it is not decided, what the client sends is read and kept: a socket reports that the
 * other side closed or broke the connection only while it is being read. A refusal is written like any other response; then the connection ends.
 */
export class HostUpgrade implements NodeConnection {
  /** Writes a refusal. */
  readonly response: ServerResponse;
  readonly #socket: Socket;
  #chunks: Buffer[];
  #length: number;

  /** `head`: the bytes after the request that Node has already read. */
  constructor(request: HostRequest, socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#chunks = [head];
    this.#length = head.length;
    this.response = new ServerResponse(request.message);
    this.response.shouldKeepAlive = false;
    this.response.assignSocket(socket);
    this.response.on('finish', this.#onFinish);
    // node:http has removed its own listener, and without one an error ends the process.
    socket.on('error', destroyIt);
    socket.on('data', this.#onData).on('end', this.#onEnd).on('drain', this.#onDrain);
  }

  decideKeepAlive(): boolean {
    return false;
  }

  cut(): void {
    this.#socket.destroy();
  }

  takeOver(): { readonly socket: Socket; readonly head: Buffer } {
    if (this.#socket.destroyed) throw new Error('a closed connection was taken over');
    const head = this.#leave();
    // The refusal that is never written reports the end of the connection.
    this.#socket.once('close', () => this.response.emit('close'));
    return { socket: this.#socket, head };
  }

  /** Returns the bytes after the request. The socket is as node:http passes it: the next 'data' listener starts it. */
  giveBack(): Buffer {
    const head = this.#leave();
    this.#socket.off('error', destroyIt);
    // The types declare it read-only, but Node itself sets it (_http_server.js, onParserExecuteCommon).
    (this.#socket as { readableFlowing: boolean | null }).readableFlowing = null;
    return head;
  }

  #leave(): Buffer {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain).pause();
    this.response.off('finish', this.#onFinish);
    this.response.detachSocket(socket);
    return Buffer.concat(this.#chunks);
  }

  readonly #onData = (chunk: Buffer): void => {
    // Behind a refusal it is dropped, so that the connection can close normally.
    if (this.response.headersSent) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > MOST_BYTES) this.#socket.pause();
  };

  /** A half-close and a close look the same here, and a handshake needs both directions. A refusal may still be read. */
  readonly #onEnd = (): void => {
    if (!this.response.headersSent) this.#socket.destroy();
  };

  readonly #onDrain = (): void => emitDrain(this.response);

  readonly #onFinish = (): void => {
    this.#socket.resume();
    this.#socket.destroySoon();
  };
}

function destroyIt(this: Socket): void {
  this.destroy();
}
