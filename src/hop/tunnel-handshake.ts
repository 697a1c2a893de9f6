import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import httpProxy from 'http-proxy';
import type { Origin } from '../config/setting.ts';
import type { Exchange } from '../contract/exchange.ts';

/** An opening handshake on its way to the hop. Nobody listens to the request yet, not even for errors. */
export interface Handshake {
  readonly request: ClientRequest;
  /**
   * Writes the 101 to the client and relays bytes both ways until both sides have ended.
   * `fields` are those of the 101; http-proxy writes them in their order, but fields of one name together, and its own reason phrase.
   */
  relay(answer: IncomingMessage, hopSocket: Socket, hopHead: Buffer, fields: readonly string[]): void;
}

/** As http-proxy adds it to the request. */
type RelayListener = (answer: IncomingMessage, hopSocket: Socket, hopHead: Buffer) => void;

const NOTHING = Buffer.alloc(0);

/** Makes http-proxy ask the hop for an upgrade. The only place that knows http-proxy, of which `ws()` alone is used. */
export class Handshaker {
  readonly #proxy = httpProxy.createProxyServer();
  readonly #target: { readonly protocol: 'http:'; readonly host: string; readonly port: number };
  readonly #headerLimitBytes: number;

  constructor({ hostname, port }: Origin, headerLimitBytes: number) {
    this.#target = { protocol: 'http:', host: hostname, port };
    this.#headerLimitBytes = headerLimitBytes;
  }

  /** Sends the request of the exchange with these end-to-end fields. Throws what node:http throws at fields that cannot be sent. */
  start(exchange: Exchange, endToEndHeaders: readonly string[]): Handshake {
    const requested: ClientRequest[] = [];
    const note = (request: ClientRequest): void => {
      requested.push(request);
    };
    // Emitted within the call.
    this.#proxy.once('proxyReqWs', note);
    // http-proxy calls util._extend, of which Node warns once a process (DEP0060). Whoever runs the site can do nothing about it.
    const { noDeprecation = false } = process;
    process.noDeprecation = true;
    try {
      const ssl = toRequestOptions(exchange.target, withUpgrade(endToEndHeaders), this.#headerLimitBytes);
      // Without a callback http-proxy throws the error of a hop's connection out of its event; we listen to the socket itself.
      this.#proxy.ws(exchange.request, exchange.socket, NOTHING, { target: this.#target, ssl }, () => {});
    } finally {
      process.noDeprecation = noDeprecation;
      this.#proxy.off('proxyReqWs', note);
    }
    const [request] = requested;
    if (!request) throw new Error('http-proxy took the request for no upgrade');
    return this.#takeOver(request);
  }

  /**
   * Takes http-proxy's listeners off, before any event can have come: the one for errors ends the client's connection,
   * which has yet to carry the answer, and the one for refusals writes the head of a chunked body above the body decoded.
   * The one for the upgrade is sound, and is called when the 101 has been looked at.
   */
  #takeOver(request: ClientRequest): Handshake {
    const [relay] = request.listeners('upgrade') as RelayListener[]; // http-proxy's own is the only one yet
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
 * What http-proxy builds its request upon (the only way in is named `ssl`). It would then put in fields that are merged and in
 * lower case, and a path without its double slashes; `headers` and `path` therefore cannot be set. node:http sends flat fields as they are.
 */
function toRequestOptions(path: string, headers: readonly string[], maxHeaderSize: number): object {
  const options = {
    maxHeaderSize,
    // Each side may end before the other, as between client and us.
    allowHalfOpen: true,
  };
  return Object.defineProperties(options, { headers: fixed(headers), path: fixed(path) });
}

function fixed(value: unknown): PropertyDescriptor {
  return { enumerable: true, get: () => value, set: () => {} };
}

/** Both fields belong to one connection only and are therefore said anew on each (RFC 9110 7.8). */
function withUpgrade(fields: readonly string[]): string[] {
  return [...fields, 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
}

/** http-proxy writes a line for each value of each own name, in their order and case. */
function toHeaders(fields: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    headers[name] ??= [];
    headers[name].push(fields[at + 1] as string);
  }
  return headers;
}
