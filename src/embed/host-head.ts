import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Exchange, HostServer } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { type HeadArguments, toFlat } from '../http/flat-headers.ts';
import type { HostRequest } from './host-request.ts';

/** Of these headers the host's and the site's are both sent. */
const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

type WriteHead = (this: ServerResponse, status: number, reason?: string) => ServerResponse;

/**
 * Sends the site's responses through a response on which the host has set headers and whose methods
 * other libraries have wrapped.
 *
 * Headers are set one by one: some wrappers (`on-headers` before 1.1, used by `compression` and
 * session libraries) misread a flat array. `Set-Cookie` and `Vary` are added to the host's. An
 * error response keeps the host's headers, e.g. for security or CORS.
 */
export class HostHead {
  readonly #exchange: Exchange;
  readonly #hostHeaders: OutgoingHttpHeaders;
  readonly #below: WriteHead;

  constructor(exchange: Exchange) {
    const { response } = exchange;
    this.#exchange = exchange;
    this.#hostHeaders = response.getHeaders();
    this.#below = response.writeHead as WriteHead; // one of its overloads
    response.writeHead = this.#writeHead;
  }

  /**
   * Restores the host's writeHead, unless an overlay of the site was added on top, which applies to
   * every response.
   */
  takeOff(): void {
    const { response } = this.#exchange;
    if (response.writeHead === this.#writeHead) response.writeHead = this.#below as ServerResponse['writeHead'];
  }

  readonly #writeHead = (...[status, reasonOrHeaders, headers]: HeadArguments): ServerResponse => {
    const { response, fault } = this.#exchange;
    const isReason = typeof reasonOrHeaders === 'string';
    if (fault) this.#setAgain();
    for (const [name, values] of toLists(toFlat((isReason ? headers : reasonOrHeaders) ?? []))) {
      const all = ADDED.has(name.toLowerCase()) ? [...toList(response.getHeader(name)), ...values] : values;
      response.setHeader(name, all.length === 1 ? (all[0] ?? '') : [...new Set(all)]);
    }
    return isReason ? this.#below.call(response, status, reasonOrHeaders) : this.#below.call(response, status);
  };

  /**
   * Removing a function's headers from an error response removed the host's too; sets those again.
   */
  #setAgain(): void {
    for (const [name, value] of Object.entries(this.#hostHeaders)) {
      if (value !== undefined) this.#exchange.response.setHeader(name, value);
    }
  }
}

/** Groups the values by name; keeps the case of the first one. */
function toLists(flat: readonly string[]): Iterable<readonly [name: string, values: string[]]> {
  const lists = new Map<string, readonly [string, string[]]>();
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = [flat[at] as string, flat[at + 1] as string]; // pairs
    const list = lists.get(name.toLowerCase());
    if (list) list[1].push(value);
    else lists.set(name.toLowerCase(), [name, [value]]);
  }
  return lists.values();
}

function toList(value: number | string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [String(value)];
}

export interface VisitParts {
  readonly exchange: Exchange;
  readonly hostRequest: HostRequest;
  /** True if the host gave a `next`. */
  readonly hasNext: boolean;
}

/** One request from the host. It is answered here or given back to the host unchanged. */
export class Visit implements HostServer {
  readonly hasNext: boolean;
  /** True if no route answered and the request goes back to the host. */
  isOver = false;
  /** The bytes after an upgrade request. */
  head: Buffer = Buffer.alloc(0);
  readonly #hostRequest: HostRequest;
  readonly #hostHead: HostHead;

  constructor({ exchange, hostRequest, hasNext }: VisitParts) {
    this.#hostRequest = hostRequest;
    this.hasNext = hasNext;
    this.#hostHead = new HostHead(exchange);
    exchange.hostServer = this;
    hostRequest.markVetted();
  }

  takeBack(head?: Buffer): void {
    if (!this.hasNext)
      throw new Fault('not_found', { message: 'no route of the site answers, and the host gave no next' });
    if (head) this.head = head;
    this.#hostRequest.giveBack();
    this.#hostHead.takeOff();
    this.isOver = true;
  }
}
