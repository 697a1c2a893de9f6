import { Transform, type TransformCallback } from 'node:stream';

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
