/** Streams of bytes whose chunks have memory that nothing else uses. */
const STREAMS = new WeakSet<object>();

/** Declares that each chunk of a stream has memory of its own, so that its reader may free it. */
export function withOwnedChunks<Stream extends ReadableStream>(stream: Stream): Stream {
  STREAMS.add(stream);
  return stream;
}

/** Whether `freeChunk` may be called with chunks of this body. */
export function ownsChunks(body: unknown): boolean {
  return typeof body === 'object' && body !== null && STREAMS.has(body);
}

/**
 * Frees the memory of a chunk now. V8 would free it at a later collection; until it starts one, 64 MB
 * of such memory may wait, of one long body.
 */
export function freeChunk(chunk: Uint8Array): void {
  if (chunk.buffer instanceof ArrayBuffer) chunk.buffer.transfer(0);
}
