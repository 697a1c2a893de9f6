import { Transform, type TransformCallback } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { ReportLate } from './lambda-call.ts';
import type { Callback } from './lambda-context.ts';
import { toStreamResponse } from './lambda-result.ts';

/**
 * Calls a handler that writes its answer to a stream. Resolves as soon as its status is known; what goes wrong later fails the body, so that
 * the client is cut off. Rejects with what the handler fails with before.
 */
export async function streamLambda(
  handle: (stream: LambdaResponseStream, done: Callback) => unknown,
  reportLate: ReportLate,
): Promise<WebResponse> {
  const stream = new LambdaResponseStream();
  const { promise: failure, reject } = Promise.withResolvers<never>();
  // Once there is an answer nobody waits for it any more.
  failure.catch(() => {});
  const fail = (error: unknown): void => {
    reject(error);
    endWith(stream, error, reportLate);
  };
  // What `done()` gives beside an error is of no use here: the stream is the result.
  const done: Callback = (error) => {
    if (error !== undefined && error !== null) fail(error);
  };
  // In a promise of its own, so that a throw is a rejection.
  void (async () => handle(stream, done))().catch(fail);
  try {
    return toStreamResponse(await Promise.race([stream.head, failure]), stream);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

function endWith(stream: LambdaResponseStream, error: unknown, reportLate: ReportLate): void {
  if (stream.writableEnded) reportLate(error);
  // Destroyed already, its reader knows the error, or wants no more (the client left, say), of which the handler now complains.
  else if (!stream.destroyed) {
    stream.destroy(new Fault('function_error', { message: 'the function failed while it streamed', cause: error }));
  }
}

/** What a streaming handler writes its answer to; the other end of it is the body. */
export class LambdaResponseStream extends Transform {
  /** Resolves with status and fields as the handler gave them, or with those of AWS once it writes without any. Never rejects. */
  readonly head: Promise<unknown>;
  readonly #resolve: (head: unknown) => void;
  #contentType = 'application/octet-stream';

  constructor() {
    super();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.head = promise;
    this.#resolve = resolve;
    // Whoever reads the body gets it; before anybody does, an 'error' without a listener would be an uncaught exception.
    this.on('error', () => {});
  }

  /** The first one counts. */
  begin(head: unknown): this {
    this.#resolve(head);
    return this;
  }

  /** For an answer that begins without a head of its own. */
  setContentType(contentType: string): void {
    this.#contentType = contentType;
  }

  override _transform(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#beginPlain();
    callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    this.#beginPlain();
    callback();
  }

  #beginPlain(): void {
    this.begin({ statusCode: 200, headers: { 'content-type': this.#contentType } });
  }
}
