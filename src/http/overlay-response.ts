import type { ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { type HeadArguments, toFlat } from './flat-headers.ts';
import { withoutNames } from './headers.ts';

export interface Overlay {
  /**
   * Headers that replace those of the response with the same name. `Set-Cookie` and `Vary` are
   * added instead.
   */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  /** Called just before the head is sent. Default: the overlay applies to every response. */
  readonly appliesTo?: (exchange: Exchange) => boolean;
}

/**
 * Sets headers on the coming response, no matter which component writes it: a file, a function's
 * Response, an Express app, the hop. They replace the response's own headers and those of overlays
 * that are added later. Error responses of faults get none, so that e.g. a cache rule for the
 * missing file does not make the error cacheable.
 */
export function overlayAnswer(exchange: Exchange, { headers, appliesTo }: Overlay): void {
  const { response } = exchange;
  const layer = new Layer(exchange, { headers, ...(appliesTo && { appliesTo }) }, response.writeHead);
  // Every head passes through writeHead, also the implicit head that Node creates at the first byte
  // (_http_server.js, _implicitHeader).
  response.writeHead = (...given: HeadArguments) => layer.writeHead(...given);
}

type WriteHead = (this: ServerResponse, status: number, ...rest: (string | string[])[]) => ServerResponse;

const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

class Layer {
  readonly #exchange: Exchange;
  readonly #overlay: Overlay;
  readonly #below: WriteHead;

  constructor(exchange: Exchange, overlay: Overlay, below: ServerResponse['writeHead']) {
    this.#exchange = exchange;
    this.#overlay = overlay;
    this.#below = below as WriteHead; // one signature for its overloads
  }

  writeHead(...[status, reasonOrHeaders, headers]: HeadArguments): ServerResponse {
    const { response, fault } = this.#exchange;
    const isReason = typeof reasonOrHeaders === 'string';
    const given = toFlat((isReason ? headers : reasonOrHeaders) ?? []);
    const { appliesTo = always } = this.#overlay;
    const final = fault === undefined && appliesTo(this.#exchange) ? this.#merge(given) : given;
    return this.#below.call(response, status, ...(isReason ? [reasonOrHeaders, final] : [final]));
  }

  /**
   * Returns all headers for the head. Removes headers that were set on the response and would
   * otherwise be sent twice.
   */
  #merge(given: string[]): string[] {
    const exchange = this.#exchange;
    const { response } = exchange;
    const merged: string[] = [];
    const replaced = new Set<string>();
    for (const [name, value] of this.#overlay.headers) {
      const lowerName = name.toLowerCase();
      merged.push(name, value);
      if (lowerName === 'content-type') exchange.contentType = value;
      // A header given to writeHead replaces the one that was set before. Both must be sent, so add
      // the earlier values here.
      if (ADDED.has(lowerName)) merged.push(...takeOff(response, name));
      else replaced.add(lowerName);
    }
    for (const name of replaced) response.removeHeader(name);
    return [...(replaced.size > 0 ? withoutNames(given, replaced) : given), ...merged];
  }
}

function always(): boolean {
  return true;
}

function takeOff(response: ServerResponse, name: string): string[] {
  const value = response.getHeader(name);
  response.removeHeader(name);
  return toFlat(value === undefined ? {} : { [name]: value });
}
