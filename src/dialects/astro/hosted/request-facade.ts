import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Client } from '../../../contract/client.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { hasBody } from '../../../http/headers.ts';

/**
 * Shows a request to a build as it came to the edge: who asked, by which scheme. Astro looks at the socket, and at fields of proxies that a build has no way to
 * doubt. `onBody` is called when somebody is about to read of the body. Returns how to take it back, as if nobody had had it.
 *
 * The request stays the very same object: Astro hangs something on it that it looks for on `response.req` (docs/astro.md).
 */
export function lendRequest(exchange: Exchange, onBody: () => void): () => void {
  const { request, socket, client } = exchange;
  request.socket = new Proxy(socket, new ClientSocket(client));
  // Before it is hidden: Node makes it on first use.
  const headers = vetted(request.headers, client);
  Object.defineProperty(request, 'headers', { value: headers, configurable: true, enumerable: true, writable: true });
  if (hasBody(request)) {
    // Whatever way it is read, each begins with this.
    request.read = (...size) => {
      deleteOwn(request, 'read');
      onBody();
      return request.read(...size);
    };
  }
  return () => {
    // The listener that Astro 5 leaves on the connection when it has nothing to say; others have taken theirs off.
    (request as MessageFacade)[CLEAN_UP]?.();
    request.socket = socket;
    for (const name of OWN) deleteOwn(request, name);
  };
}

/** Astro's own name for it. */
const CLEAN_UP = Symbol.for('astro.nodeRequestAbortControllerCleanup');

interface MessageFacade extends IncomingMessage {
  [CLEAN_UP]?: () => void;
}

/** What hides the parts of the request below it; `push` is that of `countRawBody`. */
const OWN = ['headers', 'read', 'push'] as const;

function deleteOwn(request: IncomingMessage, name: (typeof OWN)[number]): void {
  Reflect.deleteProperty(request, name);
}

/** With nothing by which a client could make Astro believe in another host, port, scheme or address; Astro 5 believes the first of any list. */
function vetted(given: IncomingHttpHeaders, { address, proto }: Client): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = { ...given, 'x-forwarded-proto': proto, 'x-forwarded-for': address };
  if (address === '') delete headers['x-forwarded-for'];
  delete headers['x-forwarded-host'];
  delete headers['x-forwarded-port'];
  return headers;
}

/** The connection, but for what it says of the client. */
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
