import { Transform, type TransformCallback } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { ReportLate } from './lambda-call.ts';
import type { Callback } from './lambda-context.ts';
import { toStreamResponse } from './lambda-result.ts';

/**
 * Calls a handler that writes its response to a stream. Resolves as soon as the status is known. A
 * later error destroys the body, so that the client's connection is cut. Rejects with an earlier
 * error.
 */
export async function streamLambda(
  handle: (stream: LambdaResponseStream, done: Callback) => unknown,
  reportLate: ReportLate,
): Promise<WebResponse> {
  const stream = new LambdaResponseStream();
  const { promise: failure, reject } = Promise.withResolvers<never>();
  // After the head resolved, `failure` has no other handler.
  failure.catch(() => {});
  const fail = (error: unknown): void => {
    reject(error);
    endStream(stream, error, reportLate);
  };
  // A result passed to `done()` is ignored: the stream is the result.
  const done: Callback = (error) => {
    if (error !== undefined && error !== null) fail(error);
  };
  // An async function turns a synchronous throw into a rejection.
  void (async () => handle(stream, done))().catch(fail);
  try {
    return toStreamResponse(await Promise.race([stream.head, failure]), stream);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

function endStream(stream: LambdaResponseStream, error: unknown, reportLate: ReportLate): void {
  if (stream.writableEnded) reportLate(error);
  // If the stream is destroyed already, its reader has the error or has stopped reading (for
  // example because the client disconnected), and the handler's error follows from that.
  else if (!stream.destroyed) {
    stream.destroy(new Fault('function_error', { message: 'the function failed while it streamed', cause: error }));
  }
}

/**
 * The stream to which a streaming handler writes. Its readable side is the body of the response.
 */
export class LambdaResponseStream extends Transform {
  /**
   * Resolves with the head that the handler set, or with the default head of AWS at the first write
   * without one. Never rejects.
   */
  readonly head: Promise<unknown>;
  readonly #resolve: (head: unknown) => void;
  #contentType = 'application/octet-stream';

  constructor() {
    super();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.head = promise;
    this.#resolve = resolve;
    // The reader of the body handles errors. Before there is a reader, an 'error' without a
    // listener would be an uncaught exception.
    this.on('error', () => {});
  }

  /** Sets status and headers. Only the first call has an effect. */
  setHead(head: unknown): this {
    this.#resolve(head);
    return this;
  }

  /** The content type of a response without its own head. */
  setContentType(contentType: string): void {
    this.#contentType = contentType;
  }

  override _transform(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#setDefaultHead();
    callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    this.#setDefaultHead();
    callback();
  }

  #setDefaultHead(): void {
    this.setHead({ statusCode: 200, headers: { 'content-type': this.#contentType } });
  }
}
