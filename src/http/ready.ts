import type { Exchange } from '../contract/exchange.ts';

/** Readiness, for whoever decides whether this module gets requests: 200, or 503 from the moment a drain begins. */
export class Ready {
  /** The server sets it false when it begins to drain. */
  isReady = true;
  readonly #path: string;

  /** `path`: '' for none, then every request goes its usual way. */
  constructor(path: string) {
    this.#path = path;
  }

  isAsked({ target, request }: Exchange): boolean {
    return target === this.#path && (request.method === 'GET' || request.method === 'HEAD');
  }

  answer(exchange: Exchange): void {
    const { request, response } = exchange;
    exchange.answeredBy = 'ready';
    exchange.contentType = 'text/plain';
    const text = this.isReady ? 'ready\n' : 'draining\n';
    const fields = [
      'Content-Type',
      exchange.contentType,
      'Cache-Control',
      'no-store',
      'Content-Length',
      String(text.length),
    ];
    response.writeHead(this.isReady ? 200 : 503, fields);
    response.end(text);
    if (request.method !== 'HEAD') exchange.bodyBytesSent = text.length;
  }
}
