import { toLength, wrongLength } from '../contract/content-length.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type { Content } from '../contract/http-message.ts';
import { ClientResponse } from '../wire/client-response.ts';
import { isBodiless } from '../wire/response-head.ts';
import { type AnswerReader, CapturedResponse, takesAtOnce } from './captured-response.ts';
import { withoutNames } from './headers.ts';
import { type CapturedAnswer, RestResponse, toWeakTag } from './rest-response.ts';

/** A response that a filter passes on as it was captured, but for headers that it has changed. */
export interface PassedAnswer {
  /** Throws `function_bad_answer` for a head that cannot be sent. */
  send(): void;
}

/**
 * Prepares a captured response for the client of `exchange`. Throws `function_bad_answer` if the filter has set a length that the content does
 * not have; one that shows only while the content is sent cuts the response, and is logged.
 */
export function toPassedAnswer(exchange: Exchange, rest: RestResponse): PassedAnswer {
  const answer = RestResponse.answerOf(rest);
  const { inner, captured } = answer;
  const sentStatus = exchange.toSentStatus(captured.status);
  const hasContent = !isBodiless(exchange.request.method, sentStatus) && sentStatus !== 205;
  // It was asked for without its content, and the client waits for some: it gets an empty response.
  const isEmptied = hasContent && isBodiless(inner.request.method, captured.status);
  const isChanged = RestResponse.hasHeaders(rest);
  const headers = isEmptied ? withoutContent(RestResponse.toSentHeaders(rest)) : undefined;
  const isChecked = isChanged && hasContent && !isEmptied;
  const length = isChecked ? toChangedLength(answer, RestResponse.toSentHeaders(rest)) : undefined;
  const { received } = captured;
  const isAsReceived = received !== undefined && !exchange.changesHead && !isChanged && !isEmptied;
  return new Passed({ exchange, answer, rest, headers, length, isAsReceived });
}

/** The length that a filter has set for content whose length is not known yet. Undefined: the one of the response. */
function toChangedLength({ captured }: CapturedAnswer, headers: readonly string[]): number | undefined {
  const before = findHeader(captured.headers, 'content-length');
  const text = findHeader(headers, 'content-length');
  if (text === undefined || text === before) return undefined;
  const length = toLength(text);
  if (length === undefined) {
    throw new Fault('function_bad_answer', {
      message: `the Response has an invalid Content-Length: ${JSON.stringify(text)}`,
    });
  }
  const known = captured.wholeBytes ?? (before === undefined ? undefined : Number(before));
  if (known !== undefined && known !== length) throw wrongLength(known > length ? 'longer' : 'shorter', length);
  return known === undefined ? length : undefined;
}

/** The headers of an empty response in place of one whose content was not asked for. */
function withoutContent(headers: readonly string[]): readonly string[] {
  const kept = withoutNames(headers, OF_CONTENT);
  for (let at = 0; at < kept.length; at += 2) {
    if (kept[at]?.toLowerCase() === 'etag') kept[at + 1] = toWeakTag(kept[at + 1] as string); // pairs
  }
  return [...kept, 'Content-Length', '0'];
}

const OF_CONTENT: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'content-range']);

interface PassedParts {
  readonly exchange: Exchange;
  readonly answer: CapturedAnswer;
  readonly rest: RestResponse;
  /** Undefined: those of `rest`. */
  readonly headers: readonly string[] | undefined;
  readonly length: number | undefined;
  /** The head is sent as another server has written it. */
  readonly isAsReceived: boolean;
}

/** The response of the client as the reader of a captured one. */
class Passed implements PassedAnswer, AnswerReader {
  readonly #parts: PassedParts;
  /** What answers if the response fails because of the filter. */
  readonly #filter: Pick<Exchange, 'route' | 'step' | 'answeredBy'>;
  #bytes = 0;

  constructor(parts: PassedParts) {
    this.#parts = parts;
    const { route, step, answeredBy } = parts.exchange;
    this.#filter = { route, step, answeredBy };
  }

  send(): void {
    const { exchange, answer, isAsReceived } = this.#parts;
    const { inner, captured } = answer;
    const { response } = exchange;
    if (captured.closes) response.closeBehind();
    // An error response gets no headers of rules.
    exchange.fault = inner.fault;
    const { received } = captured;
    if (isAsReceived && received && response instanceof ClientResponse) {
      response.headText(received.status, received.text);
      process.nextTick(flush, response);
    } else if (isAsReceived && received && response instanceof CapturedResponse) response.headText(received);
    else this.#writeHead();
    captured.passTo(this);
  }

  get takesAtOnce(): boolean {
    return takesAtOnce(this.#parts.exchange.response);
  }

  write(content: Content): boolean {
    if (!this.#count(content)) return true;
    return this.#parts.exchange.response.write(content);
  }

  end(content?: Content, trailers?: readonly string[]): void {
    const { exchange, length } = this.#parts;
    if (!this.#count(content ?? '')) return;
    if (length !== undefined && this.#bytes < length) this.#fail(wrongLength('shorter', length));
    else exchange.response.end(content, trailers);
  }

  abort(): void {
    const { exchange, answer } = this.#parts;
    exchange.fault = answer.inner.fault;
    exchange.response.abort();
  }

  #writeHead(): void {
    const { exchange, answer, rest, headers } = this.#parts;
    const { status, reason } = answer.captured;
    try {
      exchange.writeHead(status, reason, headers ?? RestResponse.toSentHeaders(rest));
    } catch (cause) {
      Object.assign(exchange, this.#filter);
      throw new Fault('function_bad_answer', { message: 'the head of the Response is invalid', cause });
    }
  }

  /** False: the content is longer than the filter has said, and the response failed. */
  #count(content: Content): boolean {
    const { length } = this.#parts;
    if (length === undefined) return true;
    this.#bytes += Buffer.byteLength(content);
    if (this.#bytes <= length) return true;
    this.#fail(wrongLength('longer', length));
    return false;
  }

  #fail(fault: Fault): void {
    const { exchange, answer } = this.#parts;
    if (exchange.fault) return;
    Object.assign(exchange, this.#filter);
    exchange.fail(fault);
    // Ends what still produces the content.
    if (!answer.captured.isClosed) answer.inner.leave();
  }
}

/** The head leaves at the end of the turn, as every other. */
function flush(response: ClientResponse): void {
  response.flush();
}
