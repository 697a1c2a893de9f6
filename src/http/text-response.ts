type Body = ConstructorParameters<typeof Response>[0];

/** A body that Node's class turns into a stream. */
export type Pieces = AsyncIterable<Uint8Array>;

/** Node's own Response class. */
export const NativeResponse: typeof Response = globalThis.Response;

/** Makes TextResponse the global `Response` of every function and package. Call it once, before any of them is loaded. */
export function installTextResponse(): void {
  globalThis.Response = TextResponse as unknown as typeof Response;
  // Code compares it with `Response`, also that of responses of `fetch`.
  NativeResponse.prototype.constructor = TextResponse;
}

/** Statuses that do not allow a body; the native constructor throws for them. */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** Status and headers of a Response. */
export interface ResponseParts {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<readonly [string, string]>;
}

/**
 * The Response class of functions. It behaves as Node's own and is an instance of it, but a native Response is made only when code looks at more than
 * its status: most functions answer with a string, and the native object costs ten times as much as the rest of such an answer. A body in pieces, as
 * that of a page of Astro, becomes a stream only when code reads it.
 */
export class TextResponse {
  /** The body, if it is text. */
  #text: string | undefined;
  /** The body, if it is in pieces. */
  #pieces: Pieces | undefined;
  /** Set as long as there is no native Response. */
  #plain: ResponseParts | undefined;
  /** Of a text or pieces: without body. */
  #native: Response | undefined;
  /** The native Response with the body, created when code first reads it. */
  #read: Response | undefined;
  #isTaken = false;

  static {
    Object.setPrototypeOf(TextResponse, NativeResponse);
    const { prototype } = TextResponse;
    Object.setPrototypeOf(prototype, NativeResponse.prototype);
    // User code sees the name Response.
    Object.defineProperty(TextResponse, 'name', { value: 'Response' });
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name !== 'constructor') Object.defineProperty(prototype, name, { enumerable: true });
    }
    Object.defineProperty(TextResponse, 'json', { enumerable: true });
  }

  /** With defaults, so that the class has the length of the native one. */
  constructor(body: Body = undefined, init: ResponseInit | undefined = undefined) {
    if (typeof body !== 'string') {
      if (isPieces(body)) this.#pieces = body;
      this.#native = this.#pieces ? toShell(this.#pieces, init) : new NativeResponse(body, init);
      return;
    }
    this.#text = body;
    const plain = toPlain(init, TEXT_TYPE);
    if (plain) this.#plain = plain;
    else this.#native = toShell(body, init);
  }

  /** Responses of `fetch` are instances too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    // A subclass defined by user code is checked for itself.
    return Function.prototype[Symbol.hasInstance].call(
      (this as unknown) === TextResponse ? NativeResponse : this,
      value,
    );
  }

  static json(data: unknown, init: ResponseInit | undefined = undefined): Response {
    const plain = toPlain(init, JSON_TYPE);
    // Options are converted before the data.
    const native = plain ? undefined : NativeResponse.json(null, init);
    const text = JSON.stringify(data);
    if (text === undefined) return NativeResponse.json(data); // which throws
    const response = new TextResponse(text);
    response.#plain = plain;
    response.#native = native;
    return response as unknown as Response;
  }

  /** Whether the body is text that was not read and not converted to a stream. */
  static holdsText(response: unknown): boolean {
    if (typeof response !== 'object' || response === null || !(#text in response)) return false;
    return response.#text !== undefined && response.#read === undefined;
  }

  /**
   * Returns the text of a body that was not read, and marks it as read. Undefined for any other
   * body.
   */
  static take(response: unknown): string | undefined {
    if (typeof response !== 'object' || response === null || !(#text in response)) return undefined;
    if (response.#text === undefined || response.#read || response.#isTaken) return undefined;
    response.#isTaken = true;
    return response.#text;
  }

  /** The same for a body in pieces. */
  static takePieces(response: object): Pieces | undefined {
    if (!(#pieces in response) || !response.#pieces || response.#read || response.#isTaken) return undefined;
    response.#isTaken = true;
    return response.#pieces;
  }

  /** Status and headers of any Response; of one that was only created, without a native Response. */
  static partsOf<T extends ResponseParts>(response: T): T | ResponseParts {
    if (!(#text in response) || Object.getPrototypeOf(response) !== TextResponse.prototype) return response;
    const isChanged = Object.hasOwn(response, 'headers') || Object.hasOwn(response, 'status');
    return (!isChanged && (response as TextResponse).#plain) || response;
  }

  get status(): number {
    return this.#plain?.status ?? this.#toNative().status;
  }

  get ok(): boolean {
    const status = this.#plain?.status ?? this.#toNative().status;
    return status >= 200 && status <= 299;
  }

  get headers(): Headers {
    return this.#toNative().headers;
  }

  get statusText(): string {
    return this.#toNative().statusText;
  }

  get type(): Response['type'] {
    return this.#toNative().type;
  }

  get url(): string {
    return this.#toNative().url;
  }

  get redirected(): boolean {
    return this.#toNative().redirected;
  }

  get body(): Response['body'] {
    return this.#toReadable().body;
  }

  get bodyUsed(): boolean {
    return this.#isDelayed ? this.#isTaken || (this.#read?.bodyUsed ?? false) : this.#toNative().bodyUsed;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#toReadable().arrayBuffer();
  }

  blob(): ReturnType<Response['blob']> {
    return this.#toTyped().blob();
  }

  bytes(): ReturnType<Response['bytes']> {
    return this.#toReadable().bytes();
  }

  formData(): ReturnType<Response['formData']> {
    return this.#toTyped().formData();
  }

  json(): Promise<unknown> {
    return this.#toReadable().json();
  }

  text(): Promise<string> {
    return this.#toReadable().text();
  }

  clone(): Response {
    if (!this.#isDelayed) return this.#toNative().clone();
    // Not what a subclass makes of status and headers.
    const { status, statusText, headers } = this.#toNative();
    const parts = { status, statusText, headers };
    if (this.#text === undefined || this.#read || this.#isTaken) {
      return new NativeResponse(this.#toReadable().clone().body, parts);
    }
    const copy = new TextResponse(this.#text);
    copy.#plain = undefined;
    copy.#native = new NativeResponse(null, parts);
    return copy as unknown as Response;
  }

  /** The native Response has no body. */
  get #isDelayed(): boolean {
    return this.#text !== undefined || this.#pieces !== undefined;
  }

  /** The native Response; of a text or pieces it has no body. */
  #toNative(): Response {
    if (!this.#native) {
      const { status, headers } = this.#plain as ResponseParts; // one of the two is set
      this.#native = new NativeResponse(null, { status, headers: [...headers] as [string, string][] });
      this.#plain = undefined;
    }
    return this.#native;
  }

  /** The native Response with this body and the type that the headers have now: a blob and a form take it from them. */
  #toTyped(): Response {
    const readable = this.#toReadable();
    if (readable === this.#native) return readable;
    const type = this.headers.get('content-type');
    if (type === null) readable.headers.delete('content-type');
    else readable.headers.set('content-type', type);
    return readable;
  }

  /** The native Response with this body. */
  #toReadable(): Response {
    if (!this.#isDelayed) return this.#toNative();
    // Pieces that were taken are not read a second time.
    this.#read ??= new NativeResponse(this.#isTaken ? '' : (this.#text ?? this.#pieces));
    // A body that was read counts as used, like a native body.
    if (this.#isTaken && !this.#read.bodyUsed) void this.#read.text();
    return this.#read;
  }
}

const TEXT_TYPE = 'text/plain;charset=UTF-8';
const JSON_TYPE = 'application/json';
const PLAIN_TEXT: ResponseParts = { status: 200, headers: [['content-type', TEXT_TYPE]] };

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Without a character that the native class removes, converts or refuses. */
const VALUE = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/;

/** What the native class makes of the options of a text; undefined if they need a closer look. Adds the type, if the headers have none. */
function toPlain(init: ResponseInit | undefined, type: string): ResponseParts | undefined {
  if (init === undefined) return type === TEXT_TYPE ? PLAIN_TEXT : { status: 200, headers: [['content-type', type]] };
  if (!isPlainObject(init)) return undefined;
  const { headers: given, status = 200, statusText }: ResponseInit = init;
  const headers: [string, string][] | undefined = given === undefined ? [['content-type', type]] : toPairs(given, type);
  if (!headers || statusText !== undefined || typeof status !== 'number' || !Number.isInteger(status)) return undefined;
  return status < 200 || status > 599 || WITHOUT_BODY.has(status) ? undefined : { status, headers };
}

/** The native Response of a body, without it: its stream would cost more than all else. Throws what the native constructor does. */
function toShell(body: string | Pieces, init: ResponseInit | undefined): Response {
  const shell = new NativeResponse(null, init);
  if (WITHOUT_BODY.has(shell.status)) return new NativeResponse(body, init);
  if (typeof body === 'string' && !shell.headers.has('content-type')) shell.headers.set('content-type', TEXT_TYPE);
  return shell;
}

/** Plain objects only: other classes, such as streams, may have a state of their own. */
function isPieces(body: Body): body is Pieces {
  return (
    typeof body === 'object' &&
    body !== null &&
    Object.getPrototypeOf(body) === Object.prototype &&
    Object.hasOwn(body, Symbol.asyncIterator) &&
    typeof (body as Partial<Pieces>)[Symbol.asyncIterator] === 'function'
  );
}

/** The headers of a plain object as the native class lists them: names in lower case, sorted. */
function toPairs(given: unknown, type: string): [string, string][] | undefined {
  if (!isPlainObject(given)) return undefined;
  const pairs: [string, string][] = [];
  let hasType = false;
  for (const name of Object.getOwnPropertyNames(given)) {
    const value: unknown = given[name as keyof typeof given];
    if (typeof value !== 'string' || !NAME.test(name) || !VALUE.test(value)) return undefined;
    const lowerName = name.toLowerCase();
    // The native class loses it.
    if (lowerName === '__proto__') return undefined;
    if (lowerName === 'content-type') hasType = true;
    if (pairs.some(([each]) => each === lowerName)) return undefined;
    pairs.push([lowerName, value]);
  }
  if (!hasType) pairs.push(['content-type', type]);
  return pairs.length === 1 ? pairs : pairs.sort(([left], [right]) => (left < right ? -1 : 1));
}

function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.getOwnPropertySymbols(value).length === 0
  );
}
