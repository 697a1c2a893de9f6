import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  request as sendRequest,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Duplex, duplexPair, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { followRedirects } from './follow-redirects.ts';

/** For paths without a host. */
const BASE = 'http://localhost';

/** Responses with these statuses have no body (Fetch standard). */
const BODYLESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** A server of node:http that is asked in this process, without a port until `listen`. */
export class MemoryServer {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Duplex; readonly server: Duplex }>();

  constructor(listener: RequestListener) {
    this.#server = createServer(listener);
  }

  /** For WebSockets of clients on the port. */
  onUpgrade(listener: (request: IncomingMessage, socket: Socket, head: Buffer) => void): void {
    // Node gives the socket of its own server, which is one of `net`.
    this.#server.on('upgrade', (request, socket, head) => listener(request, socket as Socket, head));
  }

  /**
   * Sends a request. Redirects are followed only if `init` says so, and the body is as it was sent. Rejects if the connection
   * is cut, and with the reason of an aborted signal.
   */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(toInput(input), init);
    switch (init?.redirect) {
      case 'follow':
        return followRedirects(request, (each) => this.#send(each, true));
      case 'error':
        return refuseRedirect(await this.#send(request, isWhole(init)));
      default:
        return this.#send(request, isWhole(init));
    }
  }

  /** `isWhole`: the body is no stream, and so its length is known before. */
  async #send(request: Request, isWhole: boolean): Promise<Response> {
    const { signal } = request;
    signal.throwIfAborted();
    const url = new URL(request.url);
    const content = isWhole && request.body ? Buffer.from(await request.arrayBuffer()) : undefined;
    const message = sendRequest({
      // Without an agent, so that no pool mixes the connections of several servers.
      createConnection: () => this.#connect(),
      method: request.method,
      path: url.pathname + url.search,
      headers: toHeaders(request, url, content?.length),
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    message.on('response', resolve).on('error', reject);
    destroyOnAbort(message, signal);
    if (content) message.end(content);
    else {
      // The response may come before the body was read, and the rest of the body is of no interest then.
      const body = request.body as ReadableStream<Uint8Array> | null;
      pipeline(body ? Readable.fromWeb(body) : Readable.from([]), message).catch(reject);
    }
    const response = await promise;
    destroyOnAbort(response, signal);
    url.hash = '';
    return toResponse(response, url.href);
  }

  /** Opens a free port on 127.0.0.1. Resolves with the URL. */
  async listen(): Promise<string> {
    if (!this.#server.listening) {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
      });
      // A test that forgets `close` ends nevertheless.
      this.#server.unref();
    }
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // of a TCP server that listens
  }

  /** Ends all connections. Idempotent. */
  async close(): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy(new Error('closed before the response was complete'));
      server.destroy();
    }
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** One connection: the server's end of a pair is given to the server as if it had accepted it. */
  #connect(): Socket {
    const [client, server] = duplexPair();
    for (const socket of [client, server]) Object.assign(socket, SOCKET);
    const pair = { client, server };
    this.#pairs.add(pair);
    client.once('close', () => server.closed && this.#pairs.delete(pair));
    server.once('close', () => client.closed && this.#pairs.delete(pair));
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

/** Destroys the stream with the reason of the signal. Node's `addAbortSignal` would replace the reason by an AbortError. */
function destroyOnAbort(stream: Readable | Writable, signal: AbortSignal): void {
  const destroy = (): void => void stream.destroy(signal.reason);
  signal.addEventListener('abort', destroy, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', destroy));
}

/** A path that begins with two slashes is one, and no host. */
function toInput(input: string | URL | Request): URL | Request {
  if (input instanceof Request) return input;
  return typeof input === 'string' && input.startsWith('/') ? new URL(BASE + input) : new URL(input, BASE);
}

/** `fetch` requires `duplex` for streams. */
function isWhole(init: RequestInit | undefined): boolean {
  return init?.body !== undefined && init.body !== null && !('duplex' in init);
}

function toHeaders(
  { headers }: Request,
  { host, protocol }: URL,
  contentLength: number | undefined,
): Record<string, string | string[]> {
  return {
    host,
    ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
    // As the proxy says that ends TLS.
    ...(protocol === 'https:' && { 'x-forwarded-proto': 'https' }),
    ...Object.fromEntries(headers),
  };
}

function refuseRedirect(response: Response): Response {
  const { status, headers, url } = response;
  if (status < 300 || status > 399 || !headers.has('location')) return response;
  throw new TypeError(`${url} redirects to ${headers.get('location')}, and the request has redirect: 'error'`);
}

function toResponse(message: IncomingMessage, url: string): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  if (BODYLESS.has(status)) message.resume();
  const body = BODYLESS.has(status) ? null : (Readable.toWeb(message) as ReadableStream); // of bytes
  // A Response that code creates has no URL.
  return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
}
