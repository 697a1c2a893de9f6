import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import httpProxy from 'http-proxy';
import type { Origin } from '../config/setting.ts';
import type { Exchange } from '../contract/exchange.ts';

/** A handshake that was sent to the hop. The request has no listeners yet, not even for errors. */
export interface Handshake {
  readonly request: ClientRequest;
  /**
   * Writes the 101 to the client and relays bytes both ways until both sides have ended. `fields`:
   * the headers of the 101. http-proxy writes them in order, but groups headers of one name, and
   * uses its own reason phrase.
   */
  relay(answer: IncomingMessage, hopSocket: Socket, hopHead: Buffer, fields: readonly string[]): void;
}

/** The listener that http-proxy adds to the request. */
type RelayListener = (answer: IncomingMessage, hopSocket: Socket, hopHead: Buffer) => void;

const NOTHING = Buffer.alloc(0);

/**
 * Sends upgrade requests to the hop with http-proxy. This is the only place that knows http-proxy,
 * and it uses only `ws()`.
 */
export class Handshaker {
  readonly #proxy = httpProxy.createProxyServer();
  readonly #target: { readonly protocol: 'http:'; readonly host: string; readonly port: number };
  readonly #headerLimitBytes: number;

  constructor({ hostname, port }: Origin, headerLimitBytes: number) {
    this.#target = { protocol: 'http:', host: hostname, port };
    this.#headerLimitBytes = headerLimitBytes;
  }

  /**
   * Sends the request of the exchange with these end-to-end headers. Throws node:http's error for
   * headers that cannot be sent.
   */
  start(exchange: Exchange, endToEndHeaders: readonly string[]): Handshake {
    const requested: ClientRequest[] = [];
    const record = (request: ClientRequest): void => {
      requested.push(request);
    };
    // The event is emitted within the call below.
    this.#proxy.once('proxyReqWs', record);
    // http-proxy calls util._extend, for which Node prints a warning once per process (DEP0060).
    // The operator of the site cannot change that, so the warning is suppressed.
    const { noDeprecation = false } = process;
    process.noDeprecation = true;
    try {
      const ssl = toRequestOptions(exchange.target, withUpgrade(endToEndHeaders), this.#headerLimitBytes);
      // Without a callback, http-proxy throws the error of a connection to the hop inside its
      // event. The tunnel listens to the socket itself.
      this.#proxy.ws(exchange.request, exchange.socket, NOTHING, { target: this.#target, ssl }, () => {});
    } finally {
      process.noDeprecation = noDeprecation;
      this.#proxy.off('proxyReqWs', record);
    }
    const [request] = requested;
    if (!request) throw new Error('http-proxy did not recognize the request as an upgrade');
    return this.#takeOver(request);
  }

  /**
   * Removes http-proxy's listeners before any event can occur. Its error listener ends the client's
   * connection, which must still carry the response. Its response listener writes the head of a
   * chunked body but sends the body decoded. Its upgrade listener is correct and is called when the
   * 101 has been checked.
   */
  #takeOver(request: ClientRequest): Handshake {
    const [relay] = request.listeners('upgrade') as RelayListener[]; // only http-proxy's own is there yet
    request.removeAllListeners('upgrade').removeAllListeners('response').removeAllListeners('error');
    return {
      request,
      relay(answer, hopSocket, hopHead, fields) {
        answer.headers = toHeaders(withUpgrade(fields));
        relay?.(answer, hopSocket, hopHead);
      },
    };
  }
}

/**
 * The options from which http-proxy builds its request (it accepts them only under the name `ssl`).
 * It would overwrite `headers` with merged, lower-case ones and `path` with one without double
 * slashes, so these properties ignore assignment. node:http sends flat headers unchanged.
 */
function toRequestOptions(path: string, headers: readonly string[], maxHeaderSize: number): object {
  const options = {
    maxHeaderSize,
    // Each side may end before the other, as on the client's connection.
    allowHalfOpen: true,
  };
  return Object.defineProperties(options, { headers: fixed(headers), path: fixed(path) });
}

function fixed(value: unknown): PropertyDescriptor {
  return { enumerable: true, get: () => value, set: () => {} };
}

/** Both headers apply to one connection, so each connection gets new ones (RFC 9110 7.8). */
function withUpgrade(fields: readonly string[]): string[] {
  return [...fields, 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
}

/** http-proxy writes one line per value of each own property, with order and case kept. */
function toHeaders(fields: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    headers[name] ??= [];
    headers[name].push(fields[at + 1] as string);
  }
  return headers;
}
