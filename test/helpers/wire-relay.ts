import type { Fault } from '../../src/contract/fault.ts';
import type { BodySink, IncomingRequest, ResponseListener, ResponseSink } from '../../src/contract/http-message.ts';
import { ClientRequest } from '../../src/wire/client-request.ts';
import { ClientResponse } from '../../src/wire/client-response.ts';
import { toEndToEnd } from '../../src/wire/connection-headers.ts';
import { passRequestHead, passResponseHead } from '../../src/wire/forwarded-head.ts';
import { toRequestHead } from '../../src/wire/head-text.ts';
import type { OriginCall, OriginHandler, OriginRequest } from '../../src/wire/origin-call.ts';
import type { OriginPool } from '../../src/wire/origin-pool.ts';
import type { ResponseHead } from '../../src/wire/response-head.ts';
import { toPassedTrailers } from '../../src/wire/trailers.ts';

/** Passes one request on to an origin and its response back: as little as a next hop is, for measures and for sequences of random operations. */
export class Relay implements OriginHandler, BodySink, ResponseListener {
  readonly #request: IncomingRequest;
  readonly #response: ResponseSink;
  #call: OriginCall | undefined;
  onClosed: (() => void) | undefined;

  constructor(request: IncomingRequest, response: ResponseSink) {
    this.#request = request;
    this.#response = response;
  }

  start(pool: OriginPool): void {
    const sent = toSent(this.#request);
    this.#response.listen(this);
    try {
      this.#call = pool.send(sent, this);
    } catch (error) {
      this.failed(error as Fault); // send throws nothing else for what a reader has read
    }
  }

  connected(call: OriginCall): void {
    this.#call = call;
    this.#request.body.start(this);
  }

  onData(content: Buffer): void {
    if (this.#call?.write(content) === false) this.#request.body.pause();
  }

  onEnd(): void {
    this.#call?.end();
  }

  onFailure(fault: Fault): void {
    this.#call?.abort();
    this.failed(fault);
  }

  bodyDrained(): void {
    this.#request.body.resume();
  }

  drained(): void {
    this.#call?.resume();
  }

  interim(head: ResponseHead): void {
    this.#response.inform(head.status, toEndToEnd(head.headers, head.connection));
  }

  head(head: ResponseHead): void {
    const text = this.#response instanceof ClientResponse ? passResponseHead(head, '') : undefined;
    if (text) (this.#response as ClientResponse).headText(head.status, text);
    else this.#response.head(head.status, head.reason, toEndToEnd(head.headers, head.connection));
  }

  data(content: Buffer): void {
    if (!this.#response.write(content)) this.#call?.pause();
  }

  waiting(): void {
    if (this.#response instanceof ClientResponse) this.#response.flush();
  }

  end(trailers: readonly string[]): void {
    this.#response.end('', toPassedTrailers(trailers));
  }

  failed(fault: Fault): void {
    if (this.#response.isHeadWritten) {
      this.#response.abort();
      return;
    }
    this.#response.head(fault.status, '', ['Content-Type', 'text/plain', ...fault.headers]);
    this.#response.end(fault.code);
  }

  upgraded(): void {
    this.failed(new Error('no upgrade was asked for') as Fault);
  }

  closed(isWhole: boolean): void {
    if (!isWhole) this.#call?.abort();
    this.onClosed?.();
  }
}

function toSent(request: IncomingRequest): OriginRequest {
  const { method, body } = request;
  const bodyBytes = body.announcedBytes;
  const passed = request instanceof ClientRequest && passRequestHead(request, { added: '', upgrade: undefined });
  const headText =
    passed ||
    toRequestHead({
      method,
      target: request.target,
      headers: toEndToEnd(request.headers, request.connection),
      bodyBytes,
    });
  return { method, headText, bodyBytes, mayUpgrade: false };
}
