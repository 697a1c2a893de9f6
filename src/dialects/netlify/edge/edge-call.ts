import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { findHeader } from '../../../contract/header-list.ts';
import type { BodySource, IncomingRequest } from '../../../contract/http-message.ts';
import type { ValueKey } from '../../../contract/kept-values.ts';
import { FilterBody } from '../../../http/filter-body.ts';
import { withoutNames } from '../../../http/headers.ts';
import { InnerRequest, type RequestChanges } from '../../../http/inner-request.ts';
import { LazyRequest } from '../../../http/lazy-request.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import type { ReceivedHeaders } from '../../../http/received-headers.ts';
import { RestResponse } from '../../../http/rest-response.ts';
import { type Rest, runRest } from '../../../http/rest-run.ts';
import { toBodyOf } from '../../../http/stream-body.ts';
import { type ReceivedParts, WebRequest } from '../../../http/web-request.ts';
import { addClientHeaders } from '../call/client-headers.ts';
import type { Invocation } from '../call/invocation.ts';

export interface NextOptions {
  /** The conditions of the client (`If-None-Match` and the like) hold inside, too. */
  readonly sendConditionalRequest?: boolean;
}

/** The conditions of a client; they hold for the final response. `If-Range` belongs to the range and stays. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'] as const;
const CONDITION_NAMES: ReadonlySet<string> = new Set(CONDITIONS);

const NONE: readonly (readonly [string, string])[] = Object.freeze([]);

export interface EdgeCallParts {
  readonly exchange: Exchange;
  readonly invocation: Invocation;
  /** Of the request. */
  readonly url: string;
  readonly headers: ReceivedHeaders;
  /** Marks exchanges that edge functions do not see. */
  readonly done: ValueKey<true>;
}

/** The request of one call of an edge function, and what the function does with the rest of the path. */
export class EdgeCall {
  readonly body: FilterBody;
  readonly request: Request;
  /** What `next` or `rewrite` runs; undefined if neither was called. */
  running: Rest | undefined;
  /** The conditions of the client were not sent on. */
  hasHeldConditions = false;
  readonly #exchange: Exchange;
  readonly #done: ValueKey<true>;
  readonly #invocation: Invocation;
  readonly #received: ReceivedParts;
  #isOver = false;

  constructor({ exchange, invocation, url, headers, done }: EdgeCallParts) {
    this.#exchange = exchange;
    this.#done = done;
    this.body = new FilterBody(exchange);
    this.#invocation = invocation;
    this.#received = { url, headers };
    this.request = LazyRequest.create(exchange, {
      ...this.#received,
      create: () => this.#createRequest(),
      changeHeaders: (headers) => addClientHeaders(headers, invocation),
    });
  }

  /** `context.next`, in all of its forms. */
  readonly next = (first?: Request | NextOptions, second?: NextOptions): Promise<Response> =>
    this.#start(() => {
      const given = first instanceof Request ? first : undefined;
      const options = given ? second : (first as NextOptions | undefined); // not a Request
      const changes = this.#toChanges(given ?? this.request, options);
      return this.#run(changes, this.#leavePath(given));
    });

  /** `context.rewrite`: the rest of the path for another URL of the site, without edge functions. */
  readonly rewrite = (url: string | URL): Promise<Response> =>
    this.#start(() => {
      const target = this.toTarget(new URL(url, this.request.url));
      return this.#run({ ...this.#toChanges(this.request, undefined), target }, true);
    });

  /** Headers that the function has set on its request, or that differ in the one that it passes on. */
  changedHeaders(request: Request = this.request): readonly (readonly [name: string, value: string | undefined])[] {
    if (LazyRequest.isUnseen(request)) return NONE;
    const { headers: before } = this.#createRequest();
    const names = new Set([...before.keys(), ...request.headers.keys()]);
    return [...names].flatMap((name) => {
      const value = request.headers.get(name);
      return value === before.get(name) ? [] : [[name, value ?? undefined] as const];
    });
  }

  /** The target of a URL of this site. Throws `function_bad_answer` for another site. */
  toTarget(url: URL): string {
    const { origin } = new URL(this.request.url);
    if (url.origin === origin) return url.pathname + url.search;
    throw new Fault('function_bad_answer', {
      message: `an edge function may rewrite within ${origin} only, got ${url.href}; use fetch for another server`,
    });
  }

  /** The function has returned: it may not run the rest any more. */
  end(): void {
    this.#isOver = true;
  }

  /** The response is written: what the function has not read of the rest is stopped. */
  release(): void {
    const { running } = this;
    if (running?.response) RestResponse.release(running.response);
    // A failure is that of the function that waits for it.
    else running?.settled.then(RestResponse.release, () => {});
  }

  /** The promise of the run itself, or one that is rejected with what `run` throws. */
  #start(run: () => Rest): Promise<Response> {
    try {
      return run().settled as unknown as Promise<Response>; // it has all members of a Response
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #createRequest(): Request {
    const request = new WebRequest(this.#exchange, () => this.body.open(), this.#received);
    addClientHeaders(request.headers, this.#invocation);
    // It has all members of a Request, but its types cannot declare that.
    return request as unknown as Request;
  }

  #run(changes: RequestChanges | undefined, isLast: boolean): Rest {
    if (this.running) throw new Error('context.next() was called a second time: a request goes on once');
    if (this.#isOver) throw new Error('context.next() was called after the edge function had answered');
    this.running = runRest(this.#exchange, changes, isLast ? (inner) => inner.kept.set(this.#done, true) : undefined);
    return this.running;
  }

  /** A request for another path of the site does not run edge functions again. */
  #leavePath(given: Request | undefined): boolean {
    return given !== undefined && given !== this.request && given.url !== this.request.url;
  }

  #toChanges(request: Request, options: NextOptions | undefined): RequestChanges | undefined {
    const exchange = this.#exchange;
    const headers = this.#toHeaders(request, options);
    const isOwn = request === this.request;
    const target = isOwn || request.url === this.request.url ? undefined : this.toTarget(new URL(request.url));
    const method = isOwn || request.method === exchange.request.method ? undefined : request.method;
    const body = this.#toBody(request);
    const isSame = !headers && !target && !method && !body;
    return isSame ? undefined : { headers, target, method, body };
  }

  /** Undefined: those of the exchange. */
  #toHeaders(request: Request, options: NextOptions = {}): readonly string[] | undefined {
    const { sendConditionalRequest = false } = options;
    const { request: received } = this.#exchange;
    const headers = withChanges(received, this.changedHeaders(request));
    const isSafe = received.method === 'GET' || received.method === 'HEAD';
    if (sendConditionalRequest || !isSafe) return headers;
    for (const name of CONDITIONS) {
      const value = headers ? findHeader(headers, name) : received.get(name);
      if (value !== undefined) this.hasHeldConditions = true;
    }
    return this.hasHeldConditions ? withoutNames(headers ?? received.headers, CONDITION_NAMES) : headers;
  }

  /** Undefined: the body of the client, which is unread. */
  #toBody(request: Request): BodySource | undefined {
    const isOwn = request === this.request;
    if (isOwn && !this.body.isRead) return undefined;
    // A copy of the request was read.
    if (!isOwn || !request.bodyUsed) return toBodyOf(request, this.#exchange);
    throw new Fault('function_bad_answer', {
      message:
        'the edge function has read the body of its request; pass it on: context.next(new Request(request, { body }))',
    });
  }
}

function withChanges(
  request: IncomingRequest,
  changes: ReturnType<EdgeCall['changedHeaders']>,
): readonly string[] | undefined {
  if (changes.length === 0) return undefined;
  const patched = new InnerRequest(request, {});
  patchRequest(patched, changes);
  return patched.headers;
}
