import { STATUS_CODES } from 'node:http';
import { peerAddressOf } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';
import { isReadyPage, OWN_PAGE, type OwnPage } from '../contract/own-page.ts';
import { isPrivateAddress } from '../contract/private-address.ts';
import type { Answer, Outcome } from '../contract/target.ts';

export interface ReadyParts {
  /** '' disables the check, so that every request is routed as usual. */
  readonly path: string;
  readonly readParts: () => Promise<object>;
  /** The logs cannot be written, and requests without a log are not wanted. */
  readonly lacksLog: () => boolean;
}

/**
 * Readiness check for load balancers: 200, and 503 from the moment a drain begins, or as long as `lacksLog`. With `?verbose`
 * and from a private address, the answer also has the states of the parts, which do not change the
 * status: a store or a next hop that is away is away for all instances.
 */
export class Ready implements OwnPage {
  /** Set to false when the drain begins. */
  isReady = true;
  readonly #parts: ReadyParts;

  constructor(parts: ReadyParts) {
    this.#parts = parts;
  }

  isAsked(exchange: Exchange): boolean {
    const { path } = this.#parts;
    if (!isReadyPage(path, exchange)) return false;
    const { target, client, socket } = exchange;
    return target === path || (isPrivateAddress(peerAddressOf(socket)) && isPrivateAddress(client.address));
  }

  answer(exchange: Exchange): Answer {
    exchange.answeredBy = 'ready';
    exchange.step = OWN_PAGE;
    const state = this.#state;
    if (exchange.target === this.#parts.path) return write(exchange, state, 'text/plain', `${state}\n`);
    return this.#parts.readParts().then((parts) => {
      const text = JSON.stringify({ state, pid: process.pid, parts }, undefined, 2);
      return write(exchange, state, 'application/json', `${text}\n`);
    });
  }

  get #state(): State {
    if (!this.isReady) return 'draining';
    return this.#parts.lacksLog() ? 'logs cannot be written' : 'ready';
  }
}

type State = 'ready' | 'draining' | 'logs cannot be written';

function write(exchange: Exchange, state: State, contentType: string, text: string): Outcome {
  exchange.contentType = contentType;
  const headers = ['Content-Type', contentType, 'Cache-Control', 'no-store'];
  headers.push('Content-Length', String(Buffer.byteLength(text)));
  const status = state === 'ready' ? 200 : 503;
  exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
  exchange.response.end(text);
  return 'answered';
}
