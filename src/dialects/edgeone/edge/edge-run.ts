import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { BodySource } from '../../../contract/http-message.ts';
import { type KeptValues, ValueKey } from '../../../contract/kept-values.ts';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import type { Answer } from '../../../contract/target.ts';
import { currentExchange } from '../../../http/current-exchange.ts';
import { FilterBody } from '../../../http/filter-body.ts';
import { InnerRequest } from '../../../http/inner-request.ts';
import { LazyRequest } from '../../../http/lazy-request.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { ReceivedHeaders } from '../../../http/received-headers.ts';
import { type Rest, runRest, writeFilterResponse } from '../../../http/rest-run.ts';
import { toBodyOf } from '../../../http/stream-body.ts';
import { toWebHeaders } from '../../../http/web-request.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { EdgeOneRequest } from '../functions/edgeone-request.ts';

const RUN = new ValueKey<EdgeRun>();
/** Requests that an edge function has sent on. */
const IS_INNER = new ValueKey<true>();
const SEEN = new ValueKey<SeenPaths>();

/** What functions see as the path of a target, by their file, if it is not the path as received. */
interface SeenPaths {
  readonly target: string;
  readonly byFile: ReadonlyMap<string, string>;
}

/**
 * One call of an edge function. Its `fetch` of the URL that was requested is answered by what
 * follows edge functions: files, other functions, the next hop. On the platform this is the origin;
 * a request over the network would call the function again, without end.
 */
export class EdgeRun {
  readonly body: FilterBody;
  readonly #exchange: Exchange;
  #request: EdgeOneRequest | undefined;
  #received: ReceivedHeaders | undefined;
  /** What follows edge functions, once the function has asked for it. */
  running: Rest | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.body = new FilterBody(exchange);
    exchange.kept.set(RUN, this);
  }

  /** Whether an edge function has let the request of an exchange go on. */
  static isOver(exchange: Exchange): boolean {
    return exchange.kept.get(IS_INNER) === true || exchange.kept.get(RUN)?.running !== undefined;
  }

  /** Before the functions of an exchange with these values are called. */
  static showPaths(kept: KeptValues, seen: SeenPaths): void {
    kept.set(SEEN, seen);
  }

  /** Undefined: the path as received. */
  static pathOf({ kept, target }: Exchange, file: string): string | undefined {
    const seen = kept.get(SEEN);
    return seen?.target === target ? seen.byFile.get(file) : undefined;
  }

  /** Sends what the function returned. */
  static write(exchange: Exchange, response: WebResponse): Answer {
    const running = exchange.kept.get(RUN)?.running;
    if (!running) return writeWebResponse(exchange, response);
    if (running.response) return writeFilterResponse(exchange, response, running.response);
    return running.settled.then((rest) => writeFilterResponse(exchange, response, rest));
  }

  /** The Request of the function, when it is made. */
  use(request: EdgeOneRequest, received: ReceivedHeaders): void {
    this.#request = request;
    this.#received = received;
  }

  /** From now on `fetch` knows the calls of edge functions. Only in a site that has some. */
  static watchFetch(): void {
    wrapFetch('nexthop.edgeone.origin', (fetch) => (input, init) => {
      const run = currentExchange()?.kept.get(RUN);
      if (!run) return fetch(input, init);
      try {
        const asked = run.#toOwn(input, init);
        return asked ? run.#goOn(asked) : fetch(input, init);
      } catch (error) {
        return Promise.reject(error);
      }
    });
  }

  /** What code asks for, if it is the request of this call with other headers or another body. */
  #toOwn(input: unknown, init: RequestInit = NO_INIT): Asked | undefined {
    if (!this.#exchange.rest || !this.#request) return undefined;
    // Nearly always. Its URL and method are equal.
    if (input === this.#request && init === NO_INIT && LazyRequest.isUnseen(input))
      return { headers: undefined, body: this.#toBody(this.#request as unknown as Request, undefined) };
    const given = input instanceof Request ? input : undefined;
    const method = init.method ?? given?.method ?? 'GET';
    const url = given ? given.url : URL.parse(String(input))?.href;
    if (url !== this.#request.url || method !== this.#request.method) return undefined;
    const isUnseen = !init.headers && (given as unknown) === this.#request && LazyRequest.isUnseen(given);
    const headers = isUnseen ? undefined : new Headers(init.headers ?? given?.headers);
    return { headers, body: this.#toBody(given, init.body) };
  }

  #goOn({ headers, body }: Asked): Promise<Response> {
    if (this.running) throw new Error('the request was sent to the site a second time: it goes on once');
    // Another body may be made of that of the client.
    if (!body) this.body.release();
    const changes = headers || body ? { headers: headers && this.#toHeaders(headers), body } : undefined;
    this.running = runRest(this.#exchange, changes, (inner) => inner.kept.set(IS_INNER, true));
    return this.running.settled as unknown as Promise<Response>; // it has all members of a Response
  }

  #toHeaders(asked: Headers): readonly string[] {
    const inner = new InnerRequest(this.#exchange.request, {});
    const before = toWebHeaders(this.#exchange, this.#received ?? new ReceivedHeaders(this.#exchange.request));
    const names = new Set([...before.keys(), ...asked.keys()]);
    const changed = [...names].filter((name) => before.get(name) !== asked.get(name));
    patchRequest(
      inner,
      changed.map((name) => [name, asked.get(name) ?? undefined]),
    );
    return inner.headers;
  }

  /** Undefined: the body of the client, which is unread. */
  #toBody(given: Request | undefined, init: RequestInit['body']): BodySource | undefined {
    const own = init === undefined || init === null ? undefined : new Response(init).body;
    // The body of the function's own Request would be read by looking at it.
    const isOwn = (given as unknown) === this.#request;
    const { method } = this.#exchange.request;
    if (own || !isOwn) return toBodyOf({ method, body: own ?? given?.body ?? null }, this.#exchange);
    if (!this.body.isRead) return undefined;
    // A copy of the request was read.
    if (given && !given.bodyUsed) return toBodyOf({ method, body: given.body }, this.#exchange);
    throw new Fault('function_bad_answer', { message: 'the body of the request was read, and cannot be sent on' });
  }
}

const NO_INIT: RequestInit = Object.freeze({});

interface Asked {
  /** Undefined: those of the request. */
  readonly headers: Headers | undefined;
  readonly body: BodySource | undefined;
}
