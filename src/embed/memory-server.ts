import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  request as sendRequest,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Duplex, duplexPair, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

/** For paths without a host. */
const BASE = 'http://localhost';

/** Responses with these statuses have no body (Fetch standard). */
const BODYLESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** A server of node:http that is asked in this process, without a port until `listen`. */
export class MemoryServer {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor(listener: RequestListener) {
    this.#server = createServer(listener);
  }

  /** For WebSockets of clients on the port. */
  onUpgrade(listener: (request: IncomingMessage, socket: Socket, head: Buffer) => void): void {
    // Node gives the socket of its own server, which is one of `net`.
    this.#server.on('upgrade', (request, socket, head) => listener(request, socket as Socket, head));
  }

  /** Sends a request. Redirects are not followed, and the body is as it was sent. Rejects if the connection is cut. */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input instanceof Request ? input : new URL(input, BASE), init);
    const url = new URL(request.url);
    const message = sendRequest({
      // Without an agent, so that no pool mixes the connections of several servers.
      createConnection: () => this.#connect(),
      method: request.method,
      path: url.pathname + url.search,
      headers: toHeaders(request, url),
      ...(request.signal && { signal: request.signal }),
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    message.on('response', resolve).on('error', reject);
    // The response may come before the body was read, and the rest of the body is of no interest then.
    const body = request.body as ReadableStream<Uint8Array> | null;
    pipeline(body ? Readable.fromWeb(body) : Readable.from([]), message).catch(reject);
    return toResponse(await promise);
  }

  /** Opens a free port on 127.0.0.1. Resolves with the URL. */
  async listen(): Promise<string> {
    if (!this.#server.listening) {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
      });
    }
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // of a TCP server that listens
  }

  /** Ends all connections. Idempotent. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** One connection: the server's end of a pair is given to the server as if it had accepted it. */
  #connect(): Socket {
    const [client, server] = duplexPair();
    for (const socket of [client, server]) {
      Object.assign(socket, SOCKET);
      this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
    }
    this.#server.emit('connection', server);
    return client as Socket; // node:http accepts any Duplex, and uses the members of SOCKET
  }
}

/** The members of a socket that servers read, for a client on this machine. */
const SOCKET = {
  ...{ remoteAddress: '127.0.0.1', remoteFamily: 'IPv4', remotePort: 0, localAddress: '127.0.0.1', localPort: 0 },
  ...{ bytesRead: 0, bytesWritten: 0, connecting: false, encrypted: false },
  ...{ setTimeout: itself, setNoDelay: itself, setKeepAlive: itself, ref: itself, unref: itself },
  destroySoon(this: Duplex): void {
    this.end(() => this.destroy());
  },
  resetAndDestroy(this: Duplex): Duplex {
    return this.destroy();
  },
};

function itself(this: Duplex): Duplex {
  return this;
}

function toHeaders({ headers }: Request, { host }: URL): Record<string, string | string[]> {
  return { host, ...Object.fromEntries(headers) };
}

function toResponse(message: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  if (BODYLESS.has(status)) message.resume();
  const body = BODYLESS.has(status) ? null : (Readable.toWeb(message) as ReadableStream); // of bytes
  return new Response(body, { status, statusText, headers });
}
