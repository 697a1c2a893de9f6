import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Client } from '../../../contract/client.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { hasBody } from '../../../http/headers.ts';

/**
 * Changes a request so that a build reads the client's address and scheme as nexthop determined
 * them. Astro reads them from the socket and from headers of proxies, which it cannot verify.
 * `onBody` is called before the build reads the first byte of the body. Returns a function that
 * restores the request.
 *
 * The request stays the same object: Astro sets a property on it and reads that from
 * `response.req` (docs/astro.md).
 */
export function adaptRequest(exchange: Exchange, onBody: () => void): () => void {
  const { socket, client, node } = exchange;
  const { request } = node;
  request.socket = new Proxy(socket, new ClientSocket(client));
  const received = request.headers;
  // By Node's setter: an own property that is deleted later makes V8 keep the request as a dictionary.
  request.headers = withTrustedClient(received, client);
  if (hasBody(exchange.request)) {
    // Every way to read a body, events and iteration too, begins with a call of `read`.
    request.read = (...size) => {
      Reflect.deleteProperty(request, 'read');
      onBody();
      return request.read(...size);
    };
  }
  return () => {
    // Removes the listener that Astro 5 leaves on the connection when it passes; later versions
    // remove theirs.
    (request as MessageFacade)[CLEAN_UP]?.();
    request.socket = socket;
    request.headers = received;
    if (Object.hasOwn(request, 'read')) Reflect.deleteProperty(request, 'read');
  };
}

/** The symbol under which Astro keeps that function. */
const CLEAN_UP = Symbol.for('astro.nodeRequestAbortControllerCleanup');

interface MessageFacade extends IncomingMessage {
  [CLEAN_UP]?: () => void;
}

/**
 * Replaces the headers by which a client could make Astro use another host, port, scheme or
 * address. Astro 5 uses the first entry of X-Forwarded-For, which the client may have written.
 */
function withTrustedClient(given: IncomingHttpHeaders, { address, proto }: Client): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = { ...given, 'x-forwarded-proto': proto, 'x-forwarded-for': address };
  if (address === '') delete headers['x-forwarded-for'];
  delete headers['x-forwarded-host'];
  delete headers['x-forwarded-port'];
  return headers;
}

/** A socket whose `encrypted` and `remoteAddress` are those of the client. */
class ClientSocket implements ProxyHandler<Socket> {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  has(socket: Socket, name: string | symbol): boolean {
    return name === 'encrypted' || name in socket;
  }

  get(socket: Socket, name: string | symbol): unknown {
    if (name === 'encrypted') return this.#client.proto === 'https';
    if (name === 'remoteAddress') return this.#client.address;
    const value: unknown = Reflect.get(socket, name);
    return typeof value === 'function' ? value.bind(socket) : value;
  }

  set(socket: Socket, name: string | symbol, value: unknown): boolean {
    return Reflect.set(socket, name, value);
  }
}
