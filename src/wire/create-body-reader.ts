import { type BodyReader, PlainReader } from './body-reader.ts';
import { ChunkedReader } from './chunked-reader.ts';
import type { Side } from './message-fault.ts';
import { CHUNKED } from './message-head.ts';

export interface BodyReaderOptions {
  /** Of the head: a length, CHUNKED or UNTIL_CLOSE. */
  readonly bodyBytes: number;
  readonly side: Side;
  /** Of the trailer section. */
  readonly maxTrailerBytes: number;
  readonly maxHeaders: number;
}

/** For a message that has a body: `bodyBytes` is not 0. */
export function createBodyReader(options: BodyReaderOptions): BodyReader {
  const { bodyBytes, side } = options;
  return bodyBytes === CHUNKED ? new ChunkedReader(options) : new PlainReader(bodyBytes, side);
}
