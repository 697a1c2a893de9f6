type Body = ConstructorParameters<typeof Response>[0];

/**
 * The members of Response that depend on its body. The TypeScript types declare all of them as
 * properties, which cannot be overridden by getters and methods.
 */
interface BodyParts {
  get body(): Response['body'];
  get bodyUsed(): boolean;
  arrayBuffer(): ReturnType<Response['arrayBuffer']>;
  blob(): ReturnType<Response['blob']>;
  bytes(): ReturnType<Response['bytes']>;
  clone(): Response;
  formData(): ReturnType<Response['formData']>;
  json(): ReturnType<Response['json']>;
  text(): ReturnType<Response['text']>;
}

/** Node's own Response class. */
const NativeResponse = globalThis.Response;
const Base = NativeResponse as unknown as new (
  body?: Body,
  init?: ResponseInit,
) => Omit<Response, keyof BodyParts> & BodyParts;

/**
 * Makes TextResponse the global `Response` of every function and package. Call it once, before any
 * of them is loaded.
 */
export function installTextResponse(): void {
  globalThis.Response = TextResponse as unknown as typeof Response;
}

/** Statuses that do not allow a body; the native constructor throws for them. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/**
 * The Response class of functions: Node's own, but a text body becomes a stream only when code
 * reads it as one.
 *
 * Most functions answer with a string, and most of the cost of a native Response is the stream for
 * that string. Status, headers and their checks are native: this is a native Response without a
 * body, which holds the text in a private field.
 */
export class TextResponse extends Base {
  #text: string | undefined;
  /** The native Response of the text, created when code first reads the body. */
  #native: Response | undefined;
  #isTaken = false;

  static {
    // User code sees the name Response.
    Object.defineProperty(TextResponse, 'name', { value: 'Response' });
  }

  constructor(body?: Body, init?: ResponseInit) {
    const isText = typeof body === 'string' && !WITHOUT_BODY.has(init?.status ?? 200);
    super(isText ? null : body, init);
    if (!isText) return;
    this.#text = body;
    const { headers } = this;
    if (!headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8');
  }

  /** Responses of `fetch` are instances too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass defined by user code is checked for itself.
    return Function.prototype[Symbol.hasInstance].call(this === TextResponse ? NativeResponse : this, value);
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const headers = new Headers(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new TextResponse(text, { ...init, headers });
  }

  /** Whether the body is text that was not read and not converted to a stream. */
  static holdsText(response: unknown): boolean {
    if (typeof response !== 'object' || response === null || !(#text in response)) return false;
    return response.#text !== undefined && response.#native === undefined;
  }

  /**
   * Returns the text of a body that was not read, and marks it as read. Undefined for any other
   * body.
   */
  static take(response: unknown): string | undefined {
    if (typeof response !== 'object' || response === null || !(#text in response)) return undefined;
    if (response.#text === undefined || response.#native || response.#isTaken) return undefined;
    response.#isTaken = true;
    return response.#text;
  }

  override get body(): Response['body'] {
    return this.#text === undefined ? super.body : this.#toNative().body;
  }

  override get bodyUsed(): boolean {
    return this.#text === undefined ? super.bodyUsed : this.#isTaken || (this.#native?.bodyUsed ?? false);
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#text === undefined ? super.arrayBuffer() : this.#toNative().arrayBuffer();
  }

  override blob(): ReturnType<Response['blob']> {
    return this.#text === undefined ? super.blob() : this.#toNative().blob();
  }

  override bytes(): ReturnType<Response['bytes']> {
    return this.#text === undefined ? super.bytes() : this.#toNative().bytes();
  }

  override formData(): ReturnType<Response['formData']> {
    return this.#text === undefined ? super.formData() : this.#toNative().formData();
  }

  override json(): Promise<unknown> {
    return this.#text === undefined ? super.json() : this.#toNative().json();
  }

  override text(): Promise<string> {
    return this.#text === undefined ? super.text() : this.#toNative().text();
  }

  override clone(): Response {
    if (this.#text === undefined) return super.clone();
    const { status, statusText, headers } = this;
    if (this.#native || this.#isTaken)
      return new NativeResponse(this.#toNative().clone().body, { status, statusText, headers });
    return new TextResponse(this.#text, { status, statusText, headers });
  }

  /**
   * The native Response with this body. It gets the headers, because a blob takes its type from
   * them.
   */
  #toNative(): Response {
    this.#native ??= new NativeResponse(this.#text, { headers: this.headers });
    // A body that was read counts as used, like a native body.
    if (this.#isTaken && !this.#native.bodyUsed) void this.#native.text();
    return this.#native;
  }
}
