import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import type { Answer } from '../../../contract/target.ts';
import { FilterBody } from '../../../http/filter-body.ts';
import { InnerRequest } from '../../../http/inner-request.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import type { RestResponse } from '../../../http/rest-response.ts';
import { runRest, writeFilterResponse } from '../../../http/rest-run.ts';
import { StreamBody } from '../../../http/stream-body.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

const RUNS = new AsyncLocalStorage<EdgeRun>();
const RUN_OF = new WeakMap<Exchange, EdgeRun>();
/** Requests that an edge function has sent on. */
const INNER = new WeakSet<Exchange>();

/** Of the Request that the function gets. */
interface OwnRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
}

/**
 * One call of an edge function. Its `fetch` of the URL that was requested is answered by what
 * follows edge functions: files, other functions, the next hop. On the platform this is the origin;
 * a request over the network would call the function again, without end.
 */
export class EdgeRun {
  readonly body: FilterBody;
  readonly #exchange: Exchange;
  #request: OwnRequest | undefined;
  #received: Headers | undefined;
  /** What follows edge functions, once the function has asked for it. */
  running: Promise<RestResponse> | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.body = new FilterBody(exchange);
    RUN_OF.set(exchange, this);
  }

  /** Whether an edge function has let the request of an exchange go on. */
  static isOver(exchange: Exchange): boolean {
    return INNER.has(exchange) || RUN_OF.get(exchange)?.running !== undefined;
  }

  /** Sends what the function returned. */
  static write(exchange: Exchange, response: WebResponse): Answer {
    const running = RUN_OF.get(exchange)?.running;
    if (!running) return writeWebResponse(exchange, response);
    return running.then((rest) => writeFilterResponse(exchange, response, rest));
  }

  /** Calls the function; what it starts belongs to the call, too. */
  call<T>(work: () => T): T {
    return RUNS.run(this, work);
  }

  /** The Request of the function, when it is made. */
  use(request: OwnRequest): void {
    this.#request = request;
    this.#received = new Headers(request.headers);
  }

  /** From now on `fetch` knows the calls of edge functions. Only in a site that has some. */
  static watchFetch(): void {
    wrapFetch('nexthop.edgeone.origin', (fetch) => async (input, init) => {
      const run = RUNS.getStore();
      if (!run) return fetch(input, init);
      const asked = run.#toOwn(input, init);
      return asked ? run.#goOn(asked) : fetch(input, init);
    });
  }

  /** What code asks for, if it is the request of this call with other headers or another body. */
  #toOwn(input: unknown, init: RequestInit = {}): Asked | undefined {
    if (!this.#exchange.rest || !this.#request) return undefined;
    const given = input instanceof Request ? input : undefined;
    const method = init.method ?? given?.method ?? 'GET';
    const url = given ? given.url : URL.parse(String(input))?.href;
    if (url !== this.#request.url || method !== this.#request.method) return undefined;
    const headers = new Headers(init.headers ?? given?.headers);
    return { headers, body: this.#toBody(given, init.body) };
  }

  async #goOn({ headers, body }: Asked): Promise<Response> {
    if (this.running) throw new Error('the request was sent to the site a second time: it goes on once');
    this.body.release();
    const changes = { headers: this.#toHeaders(headers), body };
    this.running = runRest(this.#exchange, changes, (inner) => INNER.add(inner));
    return (await this.running) as unknown as Response; // has all members of a Response
  }

  #toHeaders(asked: Headers): readonly string[] {
    const inner = new InnerRequest(this.#exchange.request, {});
    const before = this.#received ?? new Headers();
    const names = new Set([...before.keys(), ...asked.keys()]);
    const changed = [...names].filter((name) => before.get(name) !== asked.get(name));
    patchRequest(
      inner,
      changed.map((name) => [name, asked.get(name) ?? undefined]),
    );
    return inner.headers;
  }

  /** Undefined: the body of the client, which is unread. */
  #toBody(given: Request | undefined, body: RequestInit['body']): StreamBody | undefined {
    const own = body === undefined || body === null ? undefined : new Response(body).body;
    // The body of the function's own Request would be read by looking at it.
    const isOwn = (given as unknown) === this.#request;
    const stream = own ?? (given && !isOwn ? given.body : undefined);
    if (stream) return new StreamBody(stream as never); // two declarations of one class
    if (!this.body.isRead) return undefined;
    throw new Fault('function_bad_answer', { message: 'the body of the request was read, and cannot be sent on' });
  }
}

interface Asked {
  readonly headers: Headers;
  readonly body: StreamBody | undefined;
}
