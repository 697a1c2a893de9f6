type Body = ConstructorParameters<typeof Response>[0];

/** What of a Response hangs on its body. The types call all of it fields, which could not be overridden. */
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

/** The class that Node brings. */
const NativeResponse = globalThis.Response;
const Base = NativeResponse as unknown as new (
  body?: Body,
  init?: ResponseInit,
) => Omit<Response, keyof BodyParts> & BodyParts;

/** Makes it the `Response` of every function and package. Once, before any of them is loaded. */
export function installTextResponse(): void {
  globalThis.Response = TextResponse as unknown as typeof Response;
}

/** Statuses with which a Response may have no body; the native constructor throws for them. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/**
 * The Response that functions get: Node's own, but a body of text becomes a stream only when somebody looks at it.
 *
 * Nearly every function answers with a string that is written as it is, and nearly all of the cost of a native Response is the stream
 * made of it. Status, headers and their checks are the native ones: this is a native Response without a body, with the text beside it.
 */
export class TextResponse extends Base {
  #text: string | undefined;
  /** The native Response of the text, once somebody looked. */
  #native: Response | undefined;
  #isTaken = false;

  static {
    // To user code it is the Response; only a debugger can tell.
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

  /** What `fetch` returns is a Response too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class of the user's own that extends this one is asked for itself.
    return Function.prototype[Symbol.hasInstance].call(this === TextResponse ? NativeResponse : this, value);
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const headers = new Headers(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new TextResponse(text, { ...init, headers });
  }

  /** Whether its body is text at which nobody has looked, and of which no stream is made yet. */
  static holdsText(response: unknown): boolean {
    if (typeof response !== 'object' || response === null || !(#text in response)) return false;
    return response.#text !== undefined && response.#native === undefined;
  }

  /** The text of a body at which nobody has looked; it counts as read then. Undefined for any other body. */
  static take(response: unknown): string | undefined {
    if (typeof response !== 'object' || response === null || !(#text in response)) return undefined;
    if (response.#text === undefined || response.#native || response.#isTaken) return undefined;
    response.#isTaken = true;
    return response.#text;
  }

  override get body(): Response['body'] {
    return this.#text === undefined ? super.body : this.#look().body;
  }

  override get bodyUsed(): boolean {
    return this.#text === undefined ? super.bodyUsed : this.#isTaken || (this.#native?.bodyUsed ?? false);
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#text === undefined ? super.arrayBuffer() : this.#look().arrayBuffer();
  }

  override blob(): ReturnType<Response['blob']> {
    return this.#text === undefined ? super.blob() : this.#look().blob();
  }

  override bytes(): ReturnType<Response['bytes']> {
    return this.#text === undefined ? super.bytes() : this.#look().bytes();
  }

  override formData(): ReturnType<Response['formData']> {
    return this.#text === undefined ? super.formData() : this.#look().formData();
  }

  override json(): Promise<unknown> {
    return this.#text === undefined ? super.json() : this.#look().json();
  }

  override text(): Promise<string> {
    return this.#text === undefined ? super.text() : this.#look().text();
  }

  override clone(): Response {
    if (this.#text === undefined) return super.clone();
    const { status, statusText, headers } = this;
    if (this.#native || this.#isTaken)
      return new NativeResponse(this.#look().clone().body, { status, statusText, headers });
    return new TextResponse(this.#text, { status, statusText, headers });
  }

  /** With the headers, because a blob takes its type from them. */
  #look(): Response {
    this.#native ??= new NativeResponse(this.#text, { headers: this.headers });
    // What was written is used up, as a native body would be.
    if (this.#isTaken && !this.#native.bodyUsed) void this.#native.text();
    return this.#native;
  }
}
