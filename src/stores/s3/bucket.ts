import type { AwsClient } from 'aws4fetch';
import type { S3Bucket } from '../../config/s3-url.ts';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import { nativeFetch } from '../../contract/own-fetch.ts';
import { readErrorText } from './list-xml.ts';

/** Time to the head of a response, without the upload of a body. */
const HEAD_MS = 4000;
/** Added for each part of a body: a slow line is no failure. */
const UPLOAD_MS_PER_MB = 2000;

/** After a bucket did not respond, calls are rejected at once for this time. */
const PAUSE_MS = 5000;

/** A bucket that is away is logged at this interval. */
const LOG_EACH_MS = 10_000;

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Of the object; undefined for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer<ArrayBuffer> | Blob;
  /** Statuses besides success that the caller handles. */
  readonly expects: readonly number[];
}

/** Signed requests to one bucket. */
export class BucketClient {
  readonly name: string;
  readonly #bucket: S3Bucket;
  readonly #log: Log;
  #signer: Promise<AwsClient> | undefined;
  #pausedUntilMs = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #isAway = false;
  readonly #observer: StoreObserver | undefined;

  constructor(bucket: S3Bucket, log: Log, observer?: StoreObserver) {
    this.#observer = observer;
    this.name = `the bucket ${bucket.bucket} at ${new URL(bucket.origin).host}`;
    this.#bucket = bucket;
    this.#log = log;
  }

  /**
   * Resolves with a successful or expected response, whose body the caller reads or cancels. Rejects
   * with `store_unavailable`.
   */
  send(request: S3Request): Promise<Response> {
    const work = () => this.#send(request);
    return this.#observer ? this.#observer.observe('s3', request.method, work) : work();
  }

  async #send(request: S3Request): Promise<Response> {
    if (performance.now() < this.#pausedUntilMs) throw this.#toFault('did not respond before', undefined);
    let response: Response;
    try {
      response = await this.#sendOrRepeat(request);
    } catch (cause) {
      throw this.#toFault(`cannot be reached: ${reasonOf(cause)}`, cause);
    }
    if (!response.ok && !request.expects.includes(response.status)) {
      const details = await response.text().then(readErrorText, () => '');
      throw this.#toFault(`refuses ${request.method}: ${response.status} ${details}`.trim(), undefined);
    }
    if (this.#isAway) this.#log.info(`${this.name} can be used again`);
    this.#isAway = false;
    return response;
  }

  /** A kept-alive connection may be closed by the server just when it is used. */
  async #sendOrRepeat(request: S3Request): Promise<Response> {
    try {
      return await this.#sendOnce(request);
    } catch (error) {
      // A conditional write that was carried out, but whose response was lost, must not be repeated:
      // its own result would make the condition false.
      const isConditional = request.headers && ('if-match' in request.headers || 'if-none-match' in request.headers);
      if (isConditional || isTimeout(error) || REFUSED.has(codeOf(error))) throw error;
      return this.#sendOnce(request);
    }
  }

  async #sendOnce({ method, key, query = {}, headers = {}, body }: S3Request): Promise<Response> {
    const { origin, bucket } = this.#bucket;
    const url = new URL([origin, encode(bucket), ...(key?.split('/').map(encode) ?? [])].join('/'));
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signer = await this.#openSigner();
    const signed = await signer.sign(url.href, { method, headers, ...(body && { body }) });
    const sizeMb = (body instanceof Blob ? body.size : (body?.length ?? 0)) / 2 ** 20;
    const waitMs = Math.ceil(HEAD_MS + sizeMb * UPLOAD_MS_PER_MB);
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      this.#pausedUntilMs = performance.now() + PAUSE_MS;
      deadline.abort(new DOMException(`no response within ${waitMs} ms`, 'TimeoutError'));
    }, waitMs);
    try {
      return await nativeFetch(signed, { signal: deadline.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The package is loaded with the first request. */
  #openSigner(): Promise<AwsClient> {
    this.#signer ??= import('aws4fetch').then(({ AwsClient }) => {
      const { accessKeyId, secretAccessKey, region } = this.#bucket;
      return new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3' });
    });
    return this.#signer;
  }

  #toFault(what: string, cause: unknown): Fault {
    const message = `${this.name} ${what}`;
    const now = performance.now();
    if (now > this.#loggedAtMs + LOG_EACH_MS) {
      this.#loggedAtMs = now;
      this.#log.error(message);
    }
    this.#isAway = true;
    return new Fault('store_unavailable', { message, cause });
  }
}

/** All characters that a signature encodes (RFC 3986). */
function encode(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const REFUSED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** `fetch` wraps the error of the connection. */
function codeOf(error: unknown): unknown {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } }; // all that fetch rejects with
  return cause?.code;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : String(codeOf(error) ?? '') || error.message;
}
