import type { ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { AnswerWriter, type GivenHeaders } from './answer-writer.ts';
import { BODY, DRAINED } from './pace.ts';
import { IS_PAGE } from './page-calls.ts';

/** What the adapter writes when it catches an error: after the head of a response, and before. */
const BROKEN_BODY = 'Internal server error';
const BROKEN_HEAD: ReadonlySet<unknown> = new Set(['Server error', 'Internal Server Error']);

export interface ResponseFacadeParts {
  readonly exchange: Exchange;
  /** True if the build waits for slow clients while it writes. */
  readonly isPaced: boolean;
  /** See `IS_PAGE`. */
  readonly isPage: boolean;
  /** Called instead of writing a 404; must take the response back. Undefined: a 404 is written. */
  readonly onNotFound: (() => void) | undefined;
  /** The build failed before its response was complete. Must take the response back. */
  readonly onFault: (fault: Fault) => void;
  /** The build writes after its response was withdrawn. Called once. */
  readonly onLate: () => void;
}

/**
 * The response that the handler of a build gets. Errors for which the adapter would write a text,
 * even after half a response, become a Fault. Nothing that the build writes after `takeBack`
 * reaches the client.
 */
export class ResponseFacade implements ProxyHandler<ServerResponse> {
  /** The object for the handler: the real response, except for its methods that write. */
  readonly given: ServerResponse;
  readonly #parts: ResponseFacadeParts;
  readonly #response: ServerResponse;
  readonly #writer: AnswerWriter;
  readonly #setNames = new Set<string>();
  #status = 200;
  #reason = '';
  #isOver = false;
  #isLate = false;

  constructor(parts: ResponseFacadeParts) {
    this.#parts = parts;
    this.#response = parts.exchange.node.response;
    const { exchange, isPaced } = parts;
    this.#writer = new AnswerWriter({ exchange, isPaced, onFault: (fault) => this.#fail(fault) });
    this.given = new Proxy(this.#response, this);
  }

  /** Drops what is not sent yet, and everything that the build writes from now on. */
  takeBack(): void {
    this.#isOver = true;
    this.#writer.takeBack();
    if (this.#response.headersSent) return;
    for (const name of this.#setNames) this.#response.removeHeader(name);
  }

  /** True once the build began a response. */
  get hasBegun(): boolean {
    return this.#parts.exchange.response.isHeadWritten || this.#writer.hasHead;
  }

  /** The connection takes more content, or is closed. */
  wake(): void {
    this.#writer.wake();
  }

  get(response: ServerResponse, name: string | symbol): unknown {
    switch (name) {
      case 'statusCode':
        return this.#status;
      case 'headersSent':
        return this.#isOver || this.hasBegun;
      case 'writeHead':
        return this.#writeHead;
      case 'write':
        return this.#write;
      case 'end':
        return this.#end;
      case 'destroy':
        return this.#destroy;
      case 'setHeader':
        return this.#setHeader;
      case 'flushHeaders':
        return this.#flushHeaders;
      case DRAINED:
        return this.#drained;
      case BODY:
        return this.#body;
      case IS_PAGE:
        return this.#parts.isPage;
      default: {
        const value: unknown = Reflect.get(response, name);
        return typeof value === 'function' ? value.bind(response) : value;
      }
    }
  }

  set(response: ServerResponse, name: string | symbol, value: unknown): boolean {
    if (name === 'statusCode') this.#status = Number(value);
    else if (name === 'statusMessage') this.#reason = String(value);
    else return Reflect.set(response, name, value);
    return true;
  }

  readonly #writeHead = (status: number, ...rest: readonly (string | GivenHeaders | undefined)[]): ServerResponse => {
    const headers = rest.find((each) => typeof each === 'object') ?? {};
    if (this.#mayNotWrite()) return this.given;
    this.#status = status;
    if (BROKEN_HEAD.has(rest[0])) this.#fail(handlerFailed());
    else if (status === 404 && this.#parts.onNotFound) this.#reportNotFound(this.#parts.onNotFound);
    else this.#attempt(() => this.#writer.head({ status, reason: this.#reason, headers: this.#withSet(headers) }));
    return this.given;
  };

  readonly #write = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
    const done = rest.at(-1);
    const isBroken = chunk === BROKEN_BODY && typeof done === 'function';
    // After this text the adapter waits for the callback and then destroys the response with the
    // error.
    if (typeof done === 'function') process.nextTick(done);
    if (isBroken || this.#mayNotWrite()) return false;
    this.#sendStatus();
    return this.#attempt(() => this.#writer.write(toBytes(chunk))) ?? false;
  };

  readonly #end = (chunk?: unknown): ServerResponse => {
    if (this.#mayNotWrite()) return this.given;
    const isOfAdapter = !this.hasBegun && this.#status === 500 && BROKEN_HEAD.has(chunk);
    if (isOfAdapter) {
      this.#fail(handlerFailed());
      return this.given;
    }
    this.#sendStatus();
    const isBody = chunk !== undefined && typeof chunk !== 'function';
    this.#attempt(() => this.#writer.end(isBody ? toBytes(chunk) : ''));
    return this.given;
  };

  readonly #destroy = (cause?: unknown): ServerResponse => {
    if (!this.#isOver) this.#fail(new Fault('function_error', { message: 'the answer broke off', cause }));
    return this.given;
  };

  readonly #setHeader = (name: string, value: number | string | readonly string[]): ServerResponse => {
    if (this.#isOver) return this.given;
    this.#setNames.add(name);
    this.#response.setHeader(name, value);
    return this.given;
  };

  readonly #drained = (): Promise<void> | undefined => this.#writer.drained();

  readonly #body = (stream: unknown): void => this.#writer.body(stream);

  /** The head is sent at the end of this event loop turn at the latest. */
  readonly #flushHeaders = (): void => {
    if (!this.#mayNotWrite()) this.#sendStatus();
  };

  /** For a response that begins without `writeHead`. */
  #sendStatus(): void {
    if (this.hasBegun) return;
    this.#writer.head({ status: this.#status, reason: this.#reason, headers: this.#withSet({}) });
  }

  /** The fields of a head, and those that were set before it. */
  #withSet(given: GivenHeaders): GivenHeaders {
    if (this.#setNames.size === 0) return given;
    const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
    const set = Object.entries(this.#response.getHeaders()).filter(([name]) => !names.has(name));
    return { ...Object.fromEntries(set), ...given };
  }

  #mayNotWrite(): boolean {
    if (!this.#isOver) return false;
    if (!this.#isLate) this.#parts.onLate();
    this.#isLate = true;
    return true;
  }

  #reportNotFound(onNotFound: () => void): void {
    // The build still writes its 404 page. That does not count as a late response.
    this.#isLate = true;
    onNotFound();
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#fail(toFault(error));
      return undefined;
    }
  }

  #fail(fault: Fault): void {
    // What the build writes after a fault belongs to the same error: it is not reported again.
    this.#isLate = true;
    this.#parts.onFault(fault);
  }
}

/** The error itself is not available: the adapter has printed it to stderr. */
function handlerFailed(): Fault {
  return new Fault('function_error', { message: 'the build failed to render a response; its error is on stderr' });
}

function toFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('function_bad_answer', { cause: error });
}

function toBytes(chunk: unknown): Uint8Array | string {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk;
  throw new Fault('function_bad_answer', {
    message: `a chunk of a body must be bytes or a string, got ${typeof chunk}`,
  });
}
