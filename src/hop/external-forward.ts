import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { AnswerListener } from '../contract/answer-listener.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type { BodySink } from '../contract/http-message.ts';
import type { Outcome } from '../contract/target.ts';
import { isEventStream } from '../http/headers.ts';
import { toEndToEnd } from '../wire/connection-headers.ts';
import { toFlat, toOriginFault } from './external-answer.ts';

export interface ExternalForwardParts {
  readonly origin: string;
  readonly target: string;
  /** Flat. */
  readonly headers: string[];
}

/**
 * One request to a server that a rule names, and its response to the client. `settled` resolves when
 * the response is written or the client has left, and rejects with a Fault.
 */
export class ExternalForward implements Dispatcher.DispatchHandler, AnswerListener {
  readonly settled: Promise<Outcome>;
  readonly #exchange: Exchange;
  readonly #origin: string;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (fault: Fault) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;

  constructor(exchange: Exchange, dispatcher: Dispatcher, { origin, target, headers }: ExternalForwardParts) {
    this.#exchange = exchange;
    this.#origin = origin;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    exchange.listen(this);
    if (this.#isOver) return;
    const { request } = exchange;
    const body = request.body.isComplete ? undefined : new UploadStream(exchange);
    const method = request.method as Dispatcher.HttpMethod; // undici accepts any token
    dispatcher.dispatch({ path: target, method, headers, ...(body && { body }) }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('the client has left'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    if (this.#isOver) return;
    const headers = toFlat(controller.rawHeaders);
    const connection = findHeader(headers, 'connection');
    if (status < 200) {
      this.#exchange.response.inform(status, toEndToEnd(headers, connection));
      return;
    }
    const exchange = this.#exchange;
    const { requestId } = exchange;
    exchange.upstreamStatus = String(status);
    exchange.upstreamAddress = this.#origin;
    exchange.contentType = findHeader(headers, 'content-type') ?? '';
    const kept = [...toEndToEnd(headers, connection)];
    if (findHeader(headers, requestId.name) === undefined) kept.push(requestId.name, requestId.value);
    exchange.writeHead(status, reason, kept);
    if (isEventStream(exchange.contentType)) exchange.endsWithClient = true;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#exchange.response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#exchange.response.end();
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reject(toOriginFault(error, this.#origin));
  }

  drained(): void {
    this.#controller?.resume();
  }

  clientLeft(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#controller?.abort(new Error('the client has left'));
  }

  #finish(): void {
    this.#isOver = true;
    this.#resolve('answered');
  }
}

/** The body of the request for undici, as a stream. If it fails, the request fails for the same reason. */
class UploadStream extends Readable implements BodySink {
  readonly #exchange: Exchange;
  #isStarted = false;

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
  }

  override _read(): void {
    const { body } = this.#exchange.request;
    if (this.#isStarted) body.resume();
    else {
      this.#isStarted = true;
      body.start(this);
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#exchange.request.body.discard();
    done(error);
  }

  onData(content: Buffer): void {
    if (!this.push(content)) this.#exchange.request.body.pause();
  }

  onEnd(): void {
    this.push(null);
  }

  onFailure(fault: Fault): void {
    this.destroy(fault);
  }
}
