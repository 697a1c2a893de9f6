import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { type Outcome, OWN_PAGE, type OwnPage } from '../contract/target.ts';

/** Readiness check for load balancers: 200, and 503 from the moment a drain begins. */
export class Ready implements OwnPage {
  /** Set to false when the drain begins. */
  isReady = true;
  readonly #path: string;

  /** `path`: '' disables the check, so that every request is routed as usual. */
  constructor(path: string) {
    this.#path = path;
  }

  isAsked({ target, request }: Exchange): boolean {
    return target === this.#path && (request.method === 'GET' || request.method === 'HEAD');
  }

  answer(exchange: Exchange): Outcome {
    exchange.answeredBy = 'ready';
    exchange.step = OWN_PAGE;
    exchange.contentType = 'text/plain';
    const text = this.isReady ? 'ready\n' : 'draining\n';
    const headers = ['Content-Type', exchange.contentType, 'Cache-Control', 'no-store'];
    headers.push('Content-Length', String(text.length));
    const status = this.isReady ? 200 : 503;
    exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
    exchange.response.end(text);
    return 'answered';
  }
}
