import type { Exchange } from '../../../contract/exchange.ts';
import { type EdgeOneRequest, toEdgeOneRequest } from '../functions/edgeone-request.ts';
import type { PreparedBody } from '../functions/prepared-body.ts';

/** Header names in lower case, with a method `get` that is not listed. */
export type AgentHeaders = Record<string, string>;

/** `request` of an agent: a plain object. Its body was parsed before the agent is called. */
export class AgentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: AgentHeaders;
  readonly query: EdgeOneRequest['query'];
  readonly body: unknown;
  readonly signal: AbortSignal;
  readonly #request: EdgeOneRequest;

  /** Throws the Fault `bad_body` for invalid JSON. */
  constructor(exchange: Exchange, prepared: PreparedBody) {
    const request = toEdgeOneRequest(exchange, { prepared });
    this.#request = request;
    this.method = request.method;
    this.url = request.url;
    this.headers = toPlain(request.headers);
    this.query = request.query;
    this.body = request.body;
    this.signal = exchange.signal;
  }

  get cookies(): Record<string, string> {
    return this.#request.cookies;
  }

  json(): Promise<unknown> {
    return this.#request.json();
  }

  text(): Promise<string> {
    return this.#request.text();
  }
}

function toPlain(headers: Headers): AgentHeaders {
  const plain: AgentHeaders = Object.fromEntries(headers);
  const get = (name: string): string | null => headers.get(name);
  return Object.defineProperty(plain, 'get', { value: get, configurable: true, writable: true });
}
