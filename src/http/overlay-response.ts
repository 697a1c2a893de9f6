import type { ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { type HeadArguments, toFlat } from './flat-headers.ts';
import { withoutNames } from './headers.ts';

export interface Overlay {
  /** Set on the answer in place of what it has of these names; of `Set-Cookie` and `Vary` they are added to it. */
  readonly fields: Iterable<readonly [name: string, value: string]>;
  /** Asked when the head is about to go out; default: whoever answers. */
  readonly appliesTo?: (exchange: Exchange) => boolean;
}

/**
 * Gives fields to the answer to come, whoever writes it and however: a file, a function's Response, an Express app, the hop. They win over its own, and over those
 * of an overlay laid later. A fault's answer gets none: it must not be cached, say, as a rule has it for what should have been there.
 */
export function overlayAnswer(exchange: Exchange, { fields, appliesTo }: Overlay): void {
  const { response } = exchange;
  const layer = new Layer(exchange, { fields, ...(appliesTo && { appliesTo }) }, response.writeHead);
  // Every head goes through writeHead, also the one that Node makes of setHeader at the first byte (_http_server.js, _implicitHeader).
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
    this.#below = below as WriteHead; // its overloads in one
  }

  writeHead(...[status, reasonOrHeaders, fields]: HeadArguments): ServerResponse {
    const { response, fault } = this.#exchange;
    const isReason = typeof reasonOrHeaders === 'string';
    const given = toFlat((isReason ? fields : reasonOrHeaders) ?? []);
    const { appliesTo = always } = this.#overlay;
    const final = fault === undefined && appliesTo(this.#exchange) ? this.#lay(given) : given;
    return this.#below.call(response, status, ...(isReason ? [reasonOrHeaders, final] : [final]));
  }

  /** Returns all fields that go with the head; those set on the response before are taken off it where they would count twice. */
  #lay(given: string[]): string[] {
    const exchange = this.#exchange;
    const { response } = exchange;
    const laid: string[] = [];
    const replaced = new Set<string>();
    for (const [name, value] of this.#overlay.fields) {
      const lowerName = name.toLowerCase();
      laid.push(name, value);
      if (lowerName === 'content-type') exchange.contentType = value;
      // Node lets a field of writeHead replace the one set before, which is to be kept here: so it comes along.
      if (ADDED.has(lowerName)) laid.push(...takeOff(response, name));
      else replaced.add(lowerName);
    }
    for (const name of replaced) response.removeHeader(name);
    return [...(replaced.size > 0 ? withoutNames(given, replaced) : given), ...laid];
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
