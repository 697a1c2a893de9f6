import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Exchange, HostServer } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { type HeadArguments, toFlat } from '../http/flat-headers.ts';
import type { AskedRequest } from './host-request.ts';

/** Of these the host's and ours both count. */
const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

type WriteHead = (this: ServerResponse, status: number, reason?: string) => ServerResponse;

/**
 * Lets our answers go out by a response on which the host has set fields, and whose methods others have wrapped.
 *
 * A head is written field by field: there are wrappers (`on-headers` before 1.1, and with it `compression` and sessions) that take a flat array for something
 * else. `Set-Cookie` and `Vary` are added to the host's, and a fault's answer keeps what the host has set, say for security or CORS.
 */
export class HostHead {
  readonly #exchange: Exchange;
  readonly #fields: OutgoingHttpHeaders;
  readonly #below: WriteHead;

  constructor(exchange: Exchange) {
    const { response } = exchange;
    this.#exchange = exchange;
    this.#fields = response.getHeaders();
    this.#below = response.writeHead as WriteHead; // one of its overloads
    response.writeHead = this.#writeHead;
  }

  /** Unless somebody of ours has laid fields over the answer, whoever gives it. */
  takeOff(): void {
    const { response } = this.#exchange;
    if (response.writeHead === this.#writeHead) response.writeHead = this.#below as ServerResponse['writeHead'];
  }

  readonly #writeHead = (...[status, reasonOrHeaders, fields]: HeadArguments): ServerResponse => {
    const { response, fault } = this.#exchange;
    const isReason = typeof reasonOrHeaders === 'string';
    if (fault) this.#setAgain();
    for (const [name, values] of toLists(toFlat((isReason ? fields : reasonOrHeaders) ?? []))) {
      const all = ADDED.has(name.toLowerCase()) ? [...toList(response.getHeader(name)), ...values] : values;
      response.setHeader(name, all.length === 1 ? (all[0] ?? '') : [...new Set(all)]);
    }
    return isReason ? this.#below.call(response, status, reasonOrHeaders) : this.#below.call(response, status);
  };

  /** What a function had prepared was taken off the answer, and this with it. */
  #setAgain(): void {
    for (const [name, value] of Object.entries(this.#fields)) {
      if (value !== undefined) this.#exchange.response.setHeader(name, value);
    }
  }
}

/** By the name as it first stands. */
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
  readonly asked: AskedRequest;
  /** Somebody stands behind the middleware. */
  readonly hasNext: boolean;
}

/** One request that comes in from the host, is answered here, or goes back to him as it came. */
export class Visit implements HostServer {
  readonly hasNext: boolean;
  /** Nobody here answers. */
  isOver = false;
  /** What came behind a request that asks for an upgrade. */
  head: Buffer = Buffer.alloc(0);
  readonly #asked: AskedRequest;
  readonly #hostHead: HostHead;

  constructor({ exchange, asked, hasNext }: VisitParts) {
    this.#asked = asked;
    this.hasNext = hasNext;
    this.#hostHead = new HostHead(exchange);
    exchange.hostServer = this;
    asked.vetted();
  }

  takeBack(head?: Buffer): void {
    if (!this.hasNext) throw new Fault('not_found', { message: 'nobody here answers, and nobody stands behind' });
    if (head) this.head = head;
    this.#asked.giveBack();
    this.#hostHead.takeOff();
    this.isOver = true;
  }
}
