import type { ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { AnswerWriter, type GivenHeaders } from './answer-writer.ts';
import { BODY, DRAINED } from './pace.ts';

/** What the adapter says when it catches an error behind the head of an answer, and before. */
const BROKEN_BODY = 'Internal server error';
const BROKEN_HEAD: ReadonlySet<unknown> = new Set(['Server error', 'Internal Server Error']);

export interface ResponseFacadeParts {
  readonly exchange: Exchange;
  /** The build asks whether it may write on. */
  readonly isPaced: boolean;
  /** Called instead of a 404, which is none then; takes the response back. Undefined: it is one. */
  readonly onMissing: (() => void) | undefined;
  /** The build failed, and what it has written is no whole answer. Takes the response back. */
  readonly onFault: (fault: Fault) => void;
  /** Somebody writes an answer for which nobody waits any more. */
  readonly onLate: () => void;
}

/**
 * The response as the handler of a build has it. What its adapter would make of an error is a Fault instead, a text behind half an answer above all; and what is
 * written after it was taken back reaches nobody.
 */
export class ResponseFacade implements ProxyHandler<ServerResponse> {
  /** For the handler. Whatever is not written to it is the real one's. */
  readonly given: ServerResponse;
  readonly #parts: ResponseFacadeParts;
  readonly #response: ServerResponse;
  readonly #writer: AnswerWriter;
  readonly #own: ReadonlyMap<string | symbol, unknown>;
  readonly #setNames = new Set<string>();
  #status = 200;
  #reason = '';
  #isOver = false;
  #isLate = false;

  constructor(parts: ResponseFacadeParts) {
    this.#parts = parts;
    this.#response = parts.exchange.response;
    const { exchange, isPaced } = parts;
    this.#writer = new AnswerWriter({ exchange, isPaced, onFault: (fault) => this.#fail(fault) });
    this.#own = new Map<string | symbol, unknown>([
      ['writeHead', this.#writeHead],
      ['write', this.#write],
      ['end', this.#end],
      ['destroy', this.#destroy],
      ['setHeader', this.#setHeader],
      ['flushHeaders', this.#flushHeaders],
      [DRAINED, () => this.#writer.drained()],
      [BODY, (stream: unknown) => this.#writer.body(stream)],
    ]);
    this.given = new Proxy(this.#response, this);
  }

  /** From now on nothing reaches the client, and nothing is left of what has not yet. */
  takeBack(): void {
    this.#isOver = true;
    this.#writer.takeBack();
    if (this.#response.headersSent) return;
    for (const name of this.#setNames) this.#response.removeHeader(name);
  }

  /** The build has begun an answer. */
  get hasBegun(): boolean {
    return this.#response.headersSent || this.#writer.hasHead;
  }

  get(response: ServerResponse, name: string | symbol): unknown {
    if (name === 'statusCode') return this.#status;
    if (name === 'headersSent') return this.#isOver || this.hasBegun;
    const own = this.#own.get(name);
    if (own) return own;
    const value: unknown = Reflect.get(response, name);
    return typeof value === 'function' ? value.bind(response) : value;
  }

  set(response: ServerResponse, name: string | symbol, value: unknown): boolean {
    if (name === 'statusCode') this.#status = Number(value);
    else if (name === 'statusMessage') this.#reason = String(value);
    else return Reflect.set(response, name, value);
    return true;
  }

  readonly #writeHead = (status: number, ...rest: readonly (string | GivenHeaders | undefined)[]): ServerResponse => {
    const fields = rest.find((each) => typeof each === 'object') ?? {};
    if (this.#mayNotWrite()) return this.given;
    this.#status = status;
    if (BROKEN_HEAD.has(rest[0])) this.#fail(handlerFailed());
    else if (status === 404 && this.#parts.onMissing) this.#miss(this.#parts.onMissing);
    else this.#attempt(() => this.#writer.head({ status, reason: this.#reason, fields }));
    return this.given;
  };

  readonly #write = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
    const done = rest.at(-1);
    const isBroken = chunk === BROKEN_BODY && typeof done === 'function';
    // The adapter destroys the response when it is done, and then tells of the error.
    if (typeof done === 'function') process.nextTick(done);
    if (isBroken || this.#mayNotWrite()) return false;
    this.#sendStatus();
    return this.#attempt(() => this.#writer.write(toBytes(chunk))) ?? false;
  };

  readonly #end = (chunk?: unknown): ServerResponse => {
    if (this.#mayNotWrite()) return this.given;
    const isHandlers = !this.hasBegun && this.#status === 500 && BROKEN_HEAD.has(chunk);
    if (isHandlers) {
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

  /** The head goes out with this turn at the latest. */
  readonly #flushHeaders = (): void => {
    if (!this.#mayNotWrite()) this.#sendStatus();
  };

  /** For an answer that begins without `writeHead`. */
  #sendStatus(): void {
    if (!this.hasBegun) this.#writer.head({ status: this.#status, reason: this.#reason, fields: {} });
  }

  #mayNotWrite(): boolean {
    if (!this.#isOver) return false;
    if (!this.#isLate) this.#parts.onLate();
    this.#isLate = true;
    return true;
  }

  #miss(onMissing: () => void): void {
    // Its page for what is not found is nothing late.
    this.#isLate = true;
    onMissing();
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
    // What it says behind that is about the same.
    this.#isLate = true;
    this.#parts.onFault(fault);
  }
}

/** Its own words stand on stderr, where the build has said them. */
function handlerFailed(): Fault {
  return new Fault('function_error', {
    message: 'the build could not make an answer; what it says of that is on stderr',
  });
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
