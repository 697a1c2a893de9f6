import { LambdaResponseStream } from './lambda-stream.ts';

/**
 * The global `awslambda` of AWS's own runtime, which `stream()` of `@netlify/functions` and middy
 * need while they load. A handler that calls `streamifyResponse` itself also streams.
 */
export const awslambda = {
  /**
   * Marks the handler as streaming: it is called with the event, a response stream and the context.
   */
  streamifyResponse<T extends object>(handler: T): T {
    return Object.defineProperty(handler, STREAMING, { value: 'response', configurable: true });
  },
  HttpResponseStream: {
    /**
     * Sets status and headers of the stream (`statusCode`, `headers`, `multiValueHeaders`), and
     * returns the stream.
     */
    from(stream: unknown, head: unknown): LambdaResponseStream {
      if (stream instanceof LambdaResponseStream) return stream.setHead(head);
      throw new TypeError('HttpResponseStream.from() must get the stream that the handler was called with');
    },
  },
};

export function isStreaming(handler: object): boolean {
  return Object.hasOwn(handler, STREAMING);
}

/** The symbol of AWS's runtime. Packages that set it themselves stream too. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
