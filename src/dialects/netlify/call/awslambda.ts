import { LambdaResponseStream } from './lambda-stream.ts';

/**
 * The global `awslambda` of AWS's own runtime, which `stream()` of `@netlify/functions` and middy need while they are loaded. Also a handler
 * that calls it by itself streams.
 */
export const awslambda = {
  /** Marks the handler as one that writes its answer: it is called with the event, a stream and the context. */
  streamifyResponse<T extends object>(handler: T): T {
    return Object.defineProperty(handler, STREAMING, { value: 'response', configurable: true });
  },
  HttpResponseStream: {
    /** Gives the stream its status and fields (`statusCode`, `headers`, `multiValueHeaders`), and returns it. */
    from(stream: unknown, head: unknown): LambdaResponseStream {
      if (stream instanceof LambdaResponseStream) return stream.begin(head);
      throw new TypeError('HttpResponseStream.from() wants the stream that the handler was called with');
    },
  },
};

export function isStreaming(handler: object): boolean {
  return Object.hasOwn(handler, STREAMING);
}

/** The one that AWS's runtime looks for, so that packages which set it by themselves stream too. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
