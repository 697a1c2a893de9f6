import { Duplex } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
// An older Node has no Zstandard, and must still be able to say that it is too old.
import * as zlib from 'node:zlib';
import type { Exchange } from '../contract/exchange.ts';
import { CapturedBody } from './captured-body.ts';
import type { CapturedResponse } from './captured-response.ts';
import { toDecodedCoding } from './coded-bytes.ts';
import { recordDecodedBody } from './decoded-bodies.ts';
import { HOP_BY_HOP } from './headers.ts';
import { NativeResponse, WITHOUT_BODY } from './text-response.ts';

type Body = ConstructorParameters<typeof Response>[0];

/** A response that has its head, and the exchange that it answers. */
export interface CapturedAnswer {
  readonly inner: Exchange;
  readonly captured: CapturedResponse;
}

/**
 * What the rest of the path answered, as the Response that a filter gets. Headers and body are made only when the filter looks at them. A
 * body that is in a content coding is decoded for the filter.
 */
export class RestResponse {
  readonly #answer: CapturedAnswer;
  #headers: Headers | undefined;
  #body: CapturedBody | undefined;
  #native: Response | undefined;

  static {
    Object.setPrototypeOf(RestResponse.prototype, NativeResponse.prototype);
    // Code of users sees the name Response.
    Object.defineProperty(RestResponse, 'name', { value: 'Response' });
  }

  constructor(answer: CapturedAnswer) {
    this.#answer = answer;
  }

  static isOne(value: unknown): value is RestResponse {
    return typeof value === 'object' && value !== null && #answer in value;
  }

  get status(): number {
    return this.#answer.captured.status;
  }

  get ok(): boolean {
    return this.status <= 299;
  }

  get statusText(): string {
    return this.#answer.captured.reason;
  }

  get type(): Response['type'] {
    return 'default';
  }

  get url(): string {
    return '';
  }

  get redirected(): boolean {
    return false;
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#answer.captured.headers);
    return this.#headers;
  }

  get body(): Response['body'] {
    return this.#toNative().body;
  }

  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? false;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#toNative().arrayBuffer();
  }

  blob(): ReturnType<Response['blob']> {
    return this.#toNative().blob();
  }

  bytes(): ReturnType<Response['bytes']> {
    return this.#toNative().bytes();
  }

  formData(): ReturnType<Response['formData']> {
    return this.#toNative().formData();
  }

  json(): Promise<unknown> {
    return this.#toNative().json();
  }

  text(): Promise<string> {
    return this.#toNative().text();
  }

  clone(): Response {
    const { body } = this.#toNative().clone();
    const { status, statusText, headers } = this;
    return new NativeResponse(body, { status, statusText, headers });
  }

  /** Nothing has looked at the body: it can be sent as it was captured. */
  static isBodyUnread(response: RestResponse): boolean {
    return response.#native === undefined;
  }

  /** Whether `body` is the unchanged body of the response. */
  static hasBody(response: RestResponse, body: unknown): boolean {
    return response.#native !== undefined && response.#native.body === body;
  }

  /** Whether another server has to write the response; see `CapturedResponse.hand`. */
  static isHandedOn(rest: RestResponse, given: { readonly body: unknown }): boolean {
    if (!rest.#answer.captured.isHanded) return false;
    return (given as unknown) === rest || RestResponse.hasBody(rest, given.body);
  }

  /** The filter has looked at the headers. */
  static hasHeaders(response: RestResponse): boolean {
    return response.#headers !== undefined;
  }

  /** The headers that the filter has set or looked at, without those of the connection. */
  static changedHeaders(response: RestResponse): readonly (readonly [name: string, value: string])[] {
    return [...(response.#headers ?? [])].filter(([name]) => !HOP_BY_HOP.has(name));
  }

  static answerOf(response: RestResponse): CapturedAnswer {
    return response.#answer;
  }

  /** The headers (flat) with what the filter has changed; all others are as they were captured. */
  static toSentHeaders(response: RestResponse): readonly string[] {
    const { captured } = response.#answer;
    const changed = response.#headers;
    return changed ? withChanges(captured.headers, changed) : captured.headers;
  }

  /** The filter has answered: a response that nothing reads is stopped. */
  static release(response: RestResponse): void {
    const { captured } = response.#answer;
    if (captured.isClosed || captured.isPassed) return;
    if (response.#body) response.#body.release();
    else captured.abort();
  }

  #toNative(): Response {
    this.#native ??= new NativeResponse(this.#openBody(), { headers: this.headers });
    return this.#native;
  }

  #openBody(): Body | null {
    const { inner, captured } = this.#answer;
    if (inner.request.method === 'HEAD' || WITHOUT_BODY.has(captured.status)) return null;
    this.#body = new CapturedBody(captured, () => inner.fault);
    const decoders = toDecoders(this.headers.get('content-encoding') ?? '');
    if (decoders.length === 0) return this.#body.stream as Body; // two declarations of the same class
    const { headers } = this;
    const etag = headers.get('etag');
    headers.delete('content-encoding');
    headers.delete('content-length');
    if (etag !== null) headers.set('etag', toWeakTag(etag));
    const decoded = decoders.reduce<WebStream>((stream, decoder) => stream.pipeThrough(decoder()), this.#body.stream);
    // The filter may have copied the headers before.
    recordDecodedBody(decoded);
    return decoded as Body; // as above
  }
}

/** RFC 9110 8.8.1: content that is equal, but not byte for byte. */
export function toWeakTag(etag: string): string {
  return etag.startsWith('W/') ? etag : `W/${etag}`;
}

type Decoder = () => ReturnType<typeof Duplex.toWeb>;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: () => Duplex.toWeb(zlib.createGunzip()),
  'x-gzip': () => Duplex.toWeb(zlib.createGunzip()),
  deflate: () => Duplex.toWeb(zlib.createInflate()),
  br: () => Duplex.toWeb(zlib.createBrotliDecompress()),
  zstd: () => Duplex.toWeb(zlib.createZstdDecompress()),
};

/** In the order in which they are applied; none if one of the codings is unknown. */
function toDecoders(contentEncoding: string): readonly Decoder[] {
  if (contentEncoding === '' || !toDecodedCoding(contentEncoding)) return [];
  const codings = contentEncoding.toLowerCase().split(',');
  return codings.reverse().map((coding) => DECODERS[coding.trim()] as Decoder); // each is known
}

function toHeaders(flat: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] as string; // pairs
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.append(name, flat[at + 1] as string);
  }
  return headers;
}

/** The flat headers, where those that differ in `changed` are replaced, removed or added. */
function withChanges(flat: readonly string[], changed: Headers): readonly string[] {
  const before = toHeaders(flat);
  const isChanged = (name: string): boolean =>
    name === 'set-cookie'
      ? before.getSetCookie().join('\n') !== changed.getSetCookie().join('\n')
      : before.get(name) !== changed.get(name);
  // A filter does not decide about connections (RFC 9110 7.6.1).
  const isSent = (name: string): boolean => !HOP_BY_HOP.has(name) && isChanged(name);
  const names = new Set([...before.keys(), ...changed.keys()].filter(isSent));
  if (names.size === 0) return flat;
  const kept: string[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    if (!names.has((flat[at] as string).toLowerCase())) kept.push(flat[at] as string, flat[at + 1] as string);
  }
  for (const [name, value] of changed) if (names.has(name)) kept.push(name, value);
  return kept;
}
