import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { isPrivateAddress } from '../contract/private-address.ts';
import { type Answer, type Outcome, OWN_PAGE, type OwnPage } from '../contract/target.ts';

/**
 * Readiness check for load balancers: 200, and 503 from the moment a drain begins. With `?verbose`
 * and from a private address, the answer also has the states of the parts, which do not change the
 * status: a store or a next hop that is away is away for all instances.
 */
export class Ready implements OwnPage {
  /** Set to false when the drain begins. */
  isReady = true;
  readonly #path: string;
  readonly #readParts: () => Promise<object>;

  /** `path`: '' disables the check, so that every request is routed as usual. */
  constructor(path: string, readParts: () => Promise<object>) {
    this.#path = path;
    this.#readParts = readParts;
  }

  isAsked({ target, request, client, peerAddress }: Exchange): boolean {
    if (!target.startsWith(this.#path) || this.#path === '') return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    if (target === this.#path) return true;
    return target === `${this.#path}?verbose` && isPrivateAddress(peerAddress) && isPrivateAddress(client.address);
  }

  answer(exchange: Exchange): Answer {
    exchange.answeredBy = 'ready';
    exchange.step = OWN_PAGE;
    if (exchange.target === this.#path) return this.#write(exchange, 'text/plain', `${this.#word}\n`);
    return this.#readParts().then((parts) => {
      const text = JSON.stringify({ state: this.#word, pid: process.pid, parts }, undefined, 2);
      return this.#write(exchange, 'application/json', `${text}\n`);
    });
  }

  get #word(): string {
    return this.isReady ? 'ready' : 'draining';
  }

  #write(exchange: Exchange, contentType: string, text: string): Outcome {
    exchange.contentType = contentType;
    const headers = ['Content-Type', contentType, 'Cache-Control', 'no-store'];
    headers.push('Content-Length', String(Buffer.byteLength(text)));
    const status = this.isReady ? 200 : 503;
    exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
    exchange.response.end(text);
    return 'answered';
  }
}
